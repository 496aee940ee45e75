"""Trainings that two processes share, beside those of one: the program that each of them runs, and what it trains.

python -m tests.pnfrec_keras.training.worker_pair FOLDER CASE...
"""

import dataclasses
import json
import sys
from functools import partialmethod
from pathlib import Path
from typing import Any

from pnfrec_keras.config import ModelConfig, TrainingConfig

EPOCHS = 3


@dataclasses.dataclass(frozen=True)
class Case:
    """What is trained.

    Attributes:
        model: Settings of the network that are not those of the others.
        training: Settings of the training.
        traced: Whether steps are traced, as a user's are; untraced ones are sooner done.
    """

    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    traced: bool = False


CASES = {
    "plain": Case(traced=True),
    "averages": Case(training={"average_epochs": 1.0}),
    "sampled softmax": Case({"loss": "sampled_softmax", "sampled_items": 5}),
    "gbce": Case({"loss": "gbce", "sampled_items": 5, "soft_boundary": 2.0}),
    "trend": Case({"trend_days": 10.0, "weighting": "geometric"}),
    "bfloat16": Case(training={"precision": "mixed_bfloat16"}, traced=True),
    "float16": Case(training={"precision": "mixed_float16", "average_epochs": 1.0}, traced=True),
    "dropout": Case({"dropout": 0.2}),
}


def train(name: str, folder: Path, strategy: str) -> Any:
    """The training of a case."""
    from pnfrec_keras.network.model import PNFRec
    from pnfrec_keras.training import fitting
    from tests.pnfrec_keras.losses.test_soft_boundary import soft_arrays
    from tests.pnfrec_keras.training.chain import ITEMS, MODEL
    from tests.pnfrec_keras.training.test_dated_training import dated_arrays

    case = CASES[name]
    training, validation = soft_arrays()
    training = dataclasses.replace(training, days=dated_arrays()[0].days)
    settings = {"epochs": EPOCHS, "batch_size": 10, "evaluation_batch_size": 9, "learning_rate": 0.01, **case.training}
    compile_model = PNFRec.compile
    if not case.traced:
        PNFRec.compile = partialmethod(compile_model, run_eagerly=True)
    try:
        return fitting.train(
            *(ITEMS, training, validation),
            dataclasses.replace(MODEL, **{"dropout": 0.0, **case.model}),
            TrainingConfig(strategy=strategy, **settings),
            state_dir=folder / "state" / name,
        )
    finally:
        PNFRec.compile = compile_model


def main(folder: Path, names: list[str]) -> None:
    import time

    from pnfrec_keras.training.workers import join_workers

    workers = join_workers()
    found = {}
    for name in names:
        since = time.time()
        result = train(name, folder, "multi_worker")
        found[name] = {
            "history": result.history,
            "best": result.best_epoch,
            "sum": [float(abs(w).sum()) for w in result.model.get_weights()],
        }
        print(workers.task.rank, name, time.time() - since, flush=True)
    (folder / f"{workers.task.rank}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(CASES))
