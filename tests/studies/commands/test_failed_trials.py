"""A study in which trials fail: what goes on, what is told, and what the next call does."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli import main
from studies.page import sentences
from studies.results.summary import Failure, read
from studies.run import trial_process
from tests.studies import made_up
from tests.studies.commands.world import folder_of, run, write_world

# Trials are forked from a process of their own, in which TensorFlow is.
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an arm whose training diverges."""
    folder = write_world(tmp_path_factory.mktemp("world"))
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    wild = {"name": "wild", "set": {"model.variant": "SASRec_p", "training.learning_rate": 1e30}}
    (folder / "study.yaml").write_text(yaml.safe_dump({**study, "arms": [wild, *study["arms"]]}), encoding="utf-8")
    return folder


def run_or_die(request: dict[str, Any]) -> None:
    """Runs a trial, but that of SASRec_p with seed 2 is killed, as for want of memory."""
    if (request["arm"], request["seed"]) == ("SASRec_p", 2):
        os.kill(os.getpid(), signal.SIGKILL)
    from studies.run.trial import Request
    from studies.run.trial import run as run_trial

    run_trial(Request(**request))


def test_trials_that_fail_are_told_and_stop_no_other(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as context:
        context.setattr(trial_process, "_run", run_or_die)
        result = run(world)
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit), "no traceback"
    output = result.output
    assert "4/5 wild, seed 2: FAILED: The training loss became" in output
    table = output[output.index("test targets, k = 10") :]
    row = next(line for line in table.splitlines() if line.startswith("SASRec_p"))
    assert row.split()[1:4] == ["1", "of", "2"]
    assert "SASRec_p: its means are of 1 of 2 seeds; seed 2 failed: It was killed (SIGKILL)" in table
    assert "wild has no trial: seed 1 failed: The training loss became" in table
    last = output[output.index("\nFAILED: ") :]
    assert last.startswith("\nFAILED: 3 of 5 trials: wild, seed 1 (The training loss became")
    assert "`training.learning_rate`" in last
    assert "SASRec_p, seed 2 (It was killed (SIGKILL)" in last
    assert last.endswith("run the same command again, which tries these alone.\n")

    folder = folder_of(world)
    summary = read(folder / "summary.json")
    assert [(failure.arm, failure.seed) for failure in summary.failed] == [("wild", 1), ("wild", 2), ("SASRec_p", 2)]
    assert [(arm.name, arm.seeds, arm.planned) for arm in summary.arms] == [
        ("popular", [None], 1),
        ("SASRec_p", [1], 2),
    ]
    assert summary.missing == []
    assert "its means are of 1 of 2 seeds; seed 2 failed" in (folder / "page.html").read_text(encoding="utf-8")
    assert len(list((folder / "failures").glob("wild-seed*.txt"))) == 2
    document = world / "results.md"
    stored = CliRunner().invoke(main, ["results", "--studies", str(world / "studies"), "--output", str(document)])
    assert stored.exit_code == 0, stored.output
    assert "seed 2 failed: It was killed" in document.read_text(encoding="utf-8")
    check_that_the_next_call_tries_these_alone(world)


def check_that_the_next_call_tries_these_alone(world: Path) -> None:
    result = run(world)
    assert result.exit_code == 1
    assert "5 trials, 2 of them done." in result.output
    assert "3/3 SASRec_p, seed 2: best epoch" in result.output
    assert "FAILED: 2 of 5 trials: wild, seed 1" in result.output
    summary = read(folder_of(world) / "summary.json")
    assert [(arm.name, arm.seeds) for arm in summary.arms] == [("popular", [None]), ("SASRec_p", [1, 2])]
    assert not list((folder_of(world) / "failures").glob("SASRec_p*"))


def test_a_study_of_failures_has_no_table(world: Path, tmp_path: Path) -> None:
    study = yaml.safe_load((world / "study.yaml").read_text(encoding="utf-8"))
    alone = {**study, "name": "alone", "reference": "wild", "arms": study["arms"][:1], "seeds": [1]}
    del alone["beside"]
    (tmp_path / "alone.yaml").write_text(yaml.safe_dump(alone), encoding="utf-8")
    paths = ["--config", str(world / "config.yaml"), "--output", str(world / "studies")]
    result = CliRunner().invoke(main, ["experiment", str(tmp_path / "alone.yaml"), *paths])
    assert result.exit_code == 1
    assert "FAILED: 1 of 1 trials: wild, seed 1 (The training loss became" in result.output
    assert not (world / "studies" / "small" / "alone" / "summary.json").exists()


def test_a_mean_never_leaves_a_seed_out_in_silence() -> None:
    arms = [made_up.arm("base", 1, [1, 2, 4, 5], planned=5), made_up.arm("popular", 2, [None], planned=1)]
    failed = [Failure("base", 3, "The loss became nan."), Failure("gone", None, "It was killed (SIGTERM).")]
    found = made_up.summary(arms, failed=failed)
    assert [sentences.seeds_text(arm) for arm in found.arms] == ["4 of 5", "none"]
    assert sentences.gaps(found)[:2] == [
        "base: its means are of 4 of 5 seeds; seed 3 failed: The loss became nan.",
        "gone has no trial: it failed: It was killed (SIGTERM).",
    ]
    halves = made_up.summary(arms, failed=failed, declaration={"halves": True})
    assert "drawn with a seed that lacks an arm are left out of all arms" in sentences.gaps(halves)[2]


def test_a_summary_of_an_earlier_version_knows_of_no_failures(tmp_path: Path) -> None:
    values = json.loads(made_up.two_arms().to_json())
    del values["failed"], values["arms"][0]["planned"]
    (tmp_path / "summary.json").write_text(json.dumps(values), encoding="utf-8")
    found = read(tmp_path / "summary.json")
    assert (found.failed, sentences.seeds_text(found.arms[0])) == ([], "2")
