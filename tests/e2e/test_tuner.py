"""A run with the Tuner, and the repeated one."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.e2e.command import Command, states, versions
from tests.pipeline.world import write_config, write_feedback

pytestmark = pytest.mark.e2e


def test_the_trainer_takes_the_set_that_the_tuner_found(pnfrec: Command, tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    feedback = {"files": ["ratings.csv"], "positive": 8, "validation_targets": "both"}
    space = {"dim": {"values": [8, 16]}, **dict.fromkeys(("alpha", "beta", "dropout"))}
    tuner = {"enabled": True, "trials": 2, "epochs": 2, "space": space}
    config = write_config(tmp_path, feedback=feedback, tuner=tuner)
    first = pnfrec.run(config)
    assert first.returncode == 0, first.stdout + first.stderr
    lines = [line.split(":")[0] for line in first.stdout.splitlines() if line.startswith("    trial ")]
    assert lines == ["    trial 1/2", "    trial 2/2"]
    assert "epoch 3/3: loss" in first.stdout, "the Trainer keeps its own number of epochs"
    extra = tmp_path / "out" / "serving" / versions(tmp_path)[-1] / "assets.extra"
    resolved = yaml.safe_load((extra / "config.yaml").read_text())
    choice = json.loads((extra / "manifest.json").read_text())["tuner"]
    assert choice == {"dim": resolved["model"]["dim"], "learning_rate": resolved["training"]["learning_rate"]}
    said = f"dim {choice['dim']}, learning_rate {choice['learning_rate']:.4g}\n       validation: objective "
    assert re.search(rf"Tuner: 2 trials, the best is trial [12]: {re.escape(said)}", first.stdout)
    again = pnfrec.run(config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"SequenceTuner .*cached", again.stdout)
    assert states(again.stdout)["SequenceTrainer"] == "cached"
    assert said in again.stdout
