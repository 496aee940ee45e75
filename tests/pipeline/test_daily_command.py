"""`pnfrec daily`; a stub stands for the pipeline."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline import daily_command, run
from tests.pipeline.world import write_config, write_feedback

FAILS = "from pipeline import events; events.EventWriter().send(events.RunFailed({}))"
# Keeps what it was given.
KEEP = "import os, sys; open(sys.argv[1], 'w').write(os.environ['PNFREC_VERDICT'] + chr(10) + sys.stdin.read())"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_feedback(tmp_path / "ratings.csv")
    return write_config(tmp_path)


def invoke(config: Path, *words: str) -> Result:
    return CliRunner().invoke(daily_command.daily, ["--config", str(config), *words])


def line_of(result: Result) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return line


def stub(monkeypatch: pytest.MonkeyPatch, *failure: str) -> None:
    arguments = ", ".join(map(repr, failure))
    monkeypatch.setattr(run, "_COMMAND", [sys.executable, "-c", FAILS.format(arguments)])


@pytest.mark.parametrize(
    ("failure", "verdict", "status"),
    [
        (("AnomalyGate", "The newest day is refused.", "DriftError"), "refused_by_drift", 4),
        (("Pusher", "It does not answer.", "NotServableError"), "push_refused", 3),
        (("SequenceTrainer", "The loss became nan.", "ValueError"), "failed", 1),
    ],
)
def test_a_refusal_ends_with_a_line_and_calls_the_command(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch, failure: tuple[str, ...], verdict: str, status: int
) -> None:
    stub(monkeypatch, *failure)
    command = shlex.join([sys.executable, "-c", KEEP, str(tmp_path / "kept")])
    result = invoke(config, "--on-refusal", command)
    assert result.exit_code == status
    record = line_of(result)
    assert (record["verdict"], record["status"], record["node"], record["message"]) == (verdict, status, *failure[:2])
    assert record["pipeline"] == "tiny"
    assert Path(record["log"]).is_file()
    called, sent = (tmp_path / "kept").read_text().splitlines()
    assert called == verdict
    assert json.loads(sent) == record
    assert [json.loads(line) for line in (tmp_path / "out/logs/runs.jsonl").read_text().splitlines()] == [record]


def test_what_is_wrong_beforehand_and_a_wrong_configuration_end_with_a_line_too(tmp_path: Path, config: Path) -> None:
    (tmp_path / "ratings.csv").unlink()
    result = invoke(config)
    assert (result.exit_code, line_of(result)["verdict"]) == (1, "failed")
    assert "there is no file" in line_of(result)["message"]
    assert not (tmp_path / "out").exists()
    result = invoke(config, "--set", "training.epoch=3")
    assert (result.exit_code, line_of(result)["verdict"]) == (2, "misconfigured")
    assert "training.epoch" in line_of(result)["message"]


def test_a_command_that_fails_is_told_and_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stub(monkeypatch, "Pusher", "No.", "NotServableError")
    monkeypatch.setattr(daily_command, "_PATIENCE_S", 0.5)
    failing, slow = "raise SystemExit(7)", "import time; time.sleep(60)"
    for code, told in ((failing, "ended with status 7"), (slow, "has not ended")):
        result = invoke(config, "--on-refusal", shlex.join([sys.executable, "-c", code]))
        assert result.exit_code == 3
        assert line_of(result)["verdict"] == "push_refused"
        assert f"WARNING: the command of --on-refusal {told}" in result.stderr
    for command in ("no-such-program x", "'", ""):
        result = invoke(config, "--on-refusal", command)
        assert result.exit_code == 2
        assert "--on-refusal" in result.output
    assert len((tmp_path / "out/logs/runs.jsonl").read_text().splitlines()) == 2


def test_nothing_is_called_where_all_is_well(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import run_record

    for verdict in ("pushed", "unchanged"):
        monkeypatch.setattr(run, "carry_out", lambda *_, verdict=verdict: run_record.Ended(verdict, 0.0, 1.0))
        result = invoke(config, "--on-refusal", shlex.join([sys.executable, "-c", KEEP, str(tmp_path / "kept")]))
        assert (result.exit_code, line_of(result)["verdict"]) == (0, verdict)
        assert not (tmp_path / "kept").exists()
