"""Artifacts for a search, and what a search made of them."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import keras_tuner
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import standard_artifacts

from components.tuner.config import NumberSpace, SpaceConfig, TunerConfig, WidthSpace
from components.tuner.executor import Executor
from tests.components.trainer.test_trainer import write_artifacts
from tests.pnfrec_keras.writing import evaluation_example, write_records

MODEL = {"max_length": 4, "dim": 8, "num_blocks": 1, "alpha": 0.5, "beta": 0.25, "dropout": 0.1}
TRAINING = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01}
SPACE = SpaceConfig(
    alpha=NumberSpace(min=0.1, max=1.0),
    beta=None,
    dim=WidthSpace(values=[8, 16]),
    learning_rate=NumberSpace(min=0.001, max=0.1, log=True),
    dropout=None,
)
TUNER = TunerConfig(enabled=True, trials=3, delta_weight=0.5, space=SPACE)
SETTINGS = {"model": MODEL, "training": TRAINING}


class World:
    """Artifacts in a folder, with disliked targets in validation, and the searches on them."""

    def __init__(self, folder: Path, disliked: bool = True) -> None:
        self.folder = folder
        self.inputs, self.trainer_outputs = write_artifacts(folder)
        rows = [[f"i{(user + step) % 8}" for step in range(5)] for user in range(24)]
        examples = [evaluation_example(row[:4], row[:4], row[4], 1) for row in rows]
        if disliked:
            examples += [evaluation_example(row[:3], row[:3], f"i{(user + 6) % 8}", 0) for user, row in enumerate(rows)]
        write_records(folder / "examples" / "Split-validation" / "data_tfrecord-00000-of-00001.gz", examples)
        self.searches = 0

    def search(self, tuner: TunerConfig = TUNER, model: dict[str, Any] = MODEL) -> Path:
        """Runs the executor; the folder of its outputs."""
        self.searches += 1
        target = self.folder / f"search{self.searches}"
        outputs = {}
        for key, kind in (
            ("best_hyperparameters", standard_artifacts.HyperParameters),
            ("tuner_results", standard_artifacts.TunerResults),
        ):
            outputs[key] = [kind()]
            outputs[key][0].uri = str(target / key)
            (target / key).mkdir(parents=True)
        settings = {
            "model": model,
            "training": TRAINING,
            "tuner": dataclasses.asdict(tuner),
            "state_dir": str(self.folder / "tuner_state"),
        }
        properties = {
            "tuner_fn": "components.tuner.tuner_fn.tuner_fn",
            "train_args": json.dumps({"splits": ["train"]}),
            "eval_args": json.dumps({"splits": ["validation"]}),
            "custom_config": json.dumps(settings),
        }
        Executor(BaseExecutor.Context(tmp_dir=str(target / "tmp"), unique_id="1")).Do(self.inputs, outputs, properties)
        return target


def trials(target: Path) -> list[dict[str, str]]:
    with (target / "tuner_results" / "trials.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def best(target: Path) -> dict[str, Any]:
    (file,) = (target / "best_hyperparameters").iterdir()
    values: dict[str, Any] = keras_tuner.HyperParameters.from_config(json.loads(file.read_text())).values
    return values


class Killed(BaseException):
    """What no `except Exception` stops."""
