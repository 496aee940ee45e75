"""Runs after somebody deleted the last blessed model, and after the output folder was moved."""

import shutil
from pathlib import Path

import pytest

from tests.e2e.command import Command, states, versions
from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e


def test_a_deleted_baseline_and_a_moved_folder_stop_no_run(pnfrec: Command, tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path, training={"epochs": 1, "batch_size": 32})
    first = pnfrec.run(config)
    assert first.returncode == 0, first.stdout + first.stderr

    # The one before is the baseline, once the last is gone.
    second = pnfrec.run(config, "training.learning_rate=0.02")
    assert second.returncode == 0, second.stdout + second.stderr
    models = sorted((tmp_path / "out" / "artifacts" / "SequenceTrainer" / "model").iterdir(), key=lambda x: int(x.name))
    shutil.rmtree(models[1])
    third = pnfrec.run(config, "training.learning_rate=0.03")
    assert third.returncode == 0, third.stdout + third.stderr
    assert f"NOTE  The files of the last blessed model are gone ({models[1]}): the gate takes the one" in third.stdout
    # The report is wrapped, paths too.
    said = "".join(third.stdout.split())
    assert f"aregone({models[1]}),sotheoneblessedbeforeistakenforthelast." in said
    assert "There was no baseline" not in third.stdout

    (tmp_path / "out").rename(tmp_path / "new")
    moved = pnfrec.run(config, "training.learning_rate=0.03", f"output={tmp_path / 'new'}")
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert f"NOTE  The output folder was moved or copied: {tmp_path / 'new'}/metadata.sqlite names" in moved.stdout
    assert states(moved.stdout)["FeedbackGen"] == "cached"
    assert "There was no baseline" not in moved.stdout
    again = pnfrec.run(config, "training.learning_rate=0.03", f"output={tmp_path / 'new'}")
    assert again.returncode == 0, again.stdout + again.stderr
    # What it says of the rows, which are of 1970, it says of each run.
    notes = [line for line in again.stdout.splitlines() if line.startswith("NOTE") and "By the first" not in line]
    assert notes == []
    assert not (tmp_path / "out").exists()
    assert not versions(tmp_path)
