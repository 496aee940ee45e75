"""`pnfrec daily`; a stub stands for the pipeline."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pipeline import daily_command, run, run_record
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
    for verdict in ("pushed", "unchanged"):
        monkeypatch.setattr(run, "carry_out", lambda *_, verdict=verdict: run_record.Ended(verdict, 0.0, 1.0))
        result = invoke(config, "--on-refusal", shlex.join([sys.executable, "-c", KEEP, str(tmp_path / "kept")]))
        assert (result.exit_code, line_of(result)["verdict"]) == (0, verdict)
        assert not (tmp_path / "kept").exists()


def test_what_a_command_has_started_ends_with_it(tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it holds the standard error, which a scheduler reads to its end."""
    stub(monkeypatch, "Pusher", "No.", "NotServableError")
    monkeypatch.setattr(daily_command, "_PATIENCE_S", 2.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    result = invoke(config, "--on-refusal", f"sh -c 'sleep 1000 > {pipe}; true'")
    assert (result.exit_code, line_of(result)["verdict"]) == (3, "push_refused")
    assert "has not ended within 2 s, and was stopped" in result.stderr
    # Nobody has it open for writing any more; while somebody has, reading would raise BlockingIOError.
    deadline = time.monotonic() + 60
    while True:
        try:
            assert os.read(reader, 1) == b""
            break
        except BlockingIOError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    os.close(reader)


def test_a_command_that_prints_much_and_reads_nothing_ends_too(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run_record.Ended(run_record.PUSH_REFUSED, 0.0, 1.0, message="No. " * 100_000)
    monkeypatch.setattr(run, "carry_out", lambda *_: ended)
    code = "import os; os.close(0); os.write(1, b'x' * (1 << 20))"
    result = invoke(config, "--on-refusal", shlex.join([sys.executable, "-c", code]))
    assert (result.exit_code, line_of(result)["verdict"]) == (3, "push_refused")


def test_an_error_that_nobody_has_foreseen_ends_with_a_line_and_calls_the_command(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "/x")

    monkeypatch.setattr(run, "carry_out", refuse)
    (tmp_path / "out" / "logs").mkdir(parents=True)
    command = shlex.join([sys.executable, "-c", KEEP, str(tmp_path / "kept")])
    result = invoke(config, "--on-refusal", command)
    record = line_of(result)
    assert (result.exit_code, record["verdict"], record["pipeline"]) == (1, "failed", "tiny")
    assert record["message"] == "PermissionError: [Errno 13] Permission denied: '/x'"
    assert (tmp_path / "kept").read_text().startswith("failed\n")
    assert [json.loads(line) for line in (tmp_path / "out/logs/runs.jsonl").read_text().splitlines()] == [record]


def test_the_line_is_whole_where_the_output_cannot_show_its_signs(config: Path) -> None:
    name = "ない\udcff.csv"
    config.write_text(config.read_text(encoding="utf-8").replace("ratings.csv", "ない.csv"), encoding="utf-8")
    words = ["pnfrec", "daily", "--config", str(config)]
    code = f"import sys; sys.argv = {words!r}; from pnfrec_start import console; console.main()"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "there is no file" in json.loads(done.stdout.decode("ascii").splitlines()[-1])["message"]
    assert "ない.csv" in json.loads(done.stdout.decode("ascii").splitlines()[-1])["message"]
    # As of a file whose name is no text.
    assert json.loads(run_record.line_of({"message": name})) == {"message": name}
    assert run_record.line_of({"message": "ü"}) == '{"message": "ü"}'
