"""A run that is killed, and the one after it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import Command, states, versions
from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e


def test_a_run_killed_in_training_is_taken_up_by_the_next(pnfrec: Command, tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    config = write_config(tmp_path, training={"epochs": 60, "patience": 60, "batch_size": 32})
    with subprocess.Popen(pnfrec.words(config), stdout=subprocess.PIPE, text=True, cwd="/") as run:
        assert run.stdout is not None
        for line in run.stdout:
            if "epoch 3/" in line:
                # The command alone: the process that trains has to notice, and to let go of the folder.
                run.kill()
                break
    assert not versions(tmp_path)
    assert list((tmp_path / "out" / "training_state").glob("*/state.npz"))
    again = pnfrec.run(config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert states(again.stdout)["FeedbackGen"] == "cached"
    assert states(again.stdout)["SequenceTrainer"] == ""
    epochs = [int(number) for number in re.findall(r"epoch (\d+)/60:", again.stdout)]
    assert epochs[0] > 3, "the training goes on where it was"
    assert epochs == list(range(epochs[0], 61))
    assert len(versions(tmp_path)) == 1
