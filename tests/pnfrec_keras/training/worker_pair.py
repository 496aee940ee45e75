"""Trainings that two processes share, beside those of one: what is trained, and the program that each process runs.

python -m tests.pnfrec_keras.training.worker_pair FOLDER first|second|shapes
"""

import contextlib
import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.gradients import overflowing_alike
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training import fitting
from pnfrec_keras.training.build import build_model
from pnfrec_keras.training.workers import Workers, join_workers
from tests.pnfrec_keras.losses.test_soft_boundary import soft_arrays
from tests.pnfrec_keras.training.chain import ITEMS, MODEL
from tests.pnfrec_keras.training.test_dated_training import dated_arrays

EPOCHS: Final = 2
# After this epoch one of them is ended.
KILLED_AFTER: Final = 1
IDS: Final = [f"item {number}" for number in range(1, ITEMS + 1)]


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


CASES: Final = {
    "plain": Case(traced=True),
    "sampled softmax, averages": Case({"loss": "sampled_softmax", "sampled_items": 5}, {"average_epochs": 1.0}),
    "trend, geometric": Case({"trend_days": 10.0, "weighting": "geometric"}),
    "float16": Case(training={"precision": "mixed_float16"}, traced=True),
    "bfloat16, dropout": Case({"dropout": 0.1}, {"precision": "mixed_bfloat16"}),
}


def data() -> tuple[Any, Any]:
    """25 users, whom two processes cannot share evenly, with margins and days."""
    training, validation = soft_arrays()
    return dataclasses.replace(training, days=dated_arrays()[0].days), validation


def train(name: str, state_dir: Path, strategy: Any, arrays: Any = None, **more: Any) -> fitting.TrainingResult:
    """The training of a case; further settings are those of the training, `progress` and `log_dir`."""
    case, compile_model = CASES[name], PNFRec.compile
    of_fit = {key: more.pop(key) for key in ("progress", "log_dir") if key in more}
    training_data, validation_data = arrays or data()
    settings = {"epochs": EPOCHS, "batch_size": 10, "evaluation_batch_size": 9, "learning_rate": 0.01}
    config = TrainingConfig(**{**settings, **case.training, **more, "strategy": strategy})
    if not case.traced or strategy == "none":
        PNFRec.compile = partialmethod(compile_model, run_eagerly=True)  # type: ignore[assignment, method-assign]
    try:
        network = dataclasses.replace(MODEL, **{"dropout": 0.0, **case.model})
        return fitting.train(*(ITEMS, training_data, validation_data, network, config), state_dir=state_dir, **of_fit)
    finally:
        PNFRec.compile = compile_model  # type: ignore[method-assign]


def fit_own_rows(workers: Workers | None, **network: Any) -> fitting.TrainingResult:
    """All users in one batch, whoever has them: every second one each, or one process has all."""
    training, validation = data()
    if workers is not None:
        mine = slice(workers.task.rank, None, len(workers.task.members))
        training = TrainingArrays(
            training.positive[mine], training.negative[mine], days={n: d[mine] for n, d in training.days.items()}
        )
    keras.utils.set_random_seed(3)
    with contextlib.nullcontext() if workers is None else workers.scope():
        model = PNFRec(ITEMS, dataclasses.replace(MODEL, **{"dropout": 0.0, **network}))
    config = TrainingConfig(
        epochs=EPOCHS, batch_size=26, evaluation_batch_size=9, average_epochs=2.0, learning_rate=0.01
    )
    return fitting.fit(model, training, validation, config, own_rows=True, verbose=0)


class Seen:
    """The epochs of which a training tells."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def __call__(self, epoch: int, logs: dict[str, float]) -> None:
        assert logs
        self.epochs.append(epoch)


def overflow(workers: Workers) -> list[list[float]]:
    """What the gradients of this process become in two steps: fine ones, and such as overflow in the other process."""

    def of_replica() -> list[Any]:
        own = [tf.constant([1.0, math.inf if workers.task.rank and step else 2.0]) for step in range(2)]
        return [overflowing_alike([each])[0] for each in own]

    return [list(map(float, each)) for each in tf.function(lambda: workers.strategy.run(of_replica))()]


def refusal(act: Callable[[], Any]) -> str:
    """What it is refused with."""
    try:
        act()
    except (ValueError, ConnectionError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def first(workers: Workers, folder: Path, found: dict[str, Any]) -> None:
    """What is refused; all cases; an export of the chief; and a training in which the other process is ended."""
    rank = workers.task.rank
    more: dict[str, Any] = {"log_dir": folder / "logs" / str(rank)}
    state = folder / "state" / str(rank)
    found["batch"] = refusal(lambda: train("plain", state, "multi_worker", batch_size=9))
    other = data()
    other[0].positive[rank, 0] = 1 + (other[0].positive[rank, 0] + rank) % ITEMS
    found["data"] = refusal(lambda: train("plain", state, "multi_worker", other))
    found["settings"] = refusal(lambda: train("plain", state, "multi_worker", batch_size=(10, 9)[rank], seed=rank))
    found["network"] = refusal(lambda: build_model(ITEMS + rank, MODEL, TrainingConfig(strategy="multi_worker")))
    found["scope"] = refusal(lambda: train("plain", state, "none"))
    found["overflow"] = overflow(workers)
    found["trend of own rows"] = refusal(lambda: fit_own_rows(workers, trend_days=10.0))
    found["own rows"] = {"history": fit_own_rows(workers).history}
    for name in CASES:
        seen = Seen()
        result = train(name, state / name, "multi_worker", progress=seen, **more)
        more = {}
        found[name] = {"history": result.history, "progress": seen.epochs}
        if name == "plain":
            deliver(workers, result.model, folder, found)

    keep(found, folder, "first", rank)

    def wait_for_the_kill(epoch: int, logs: dict[str, float]) -> None:
        del logs
        if epoch == KILLED_AFTER:
            (folder / "kill").touch()
            while not (folder / "killed").exists():
                time.sleep(0.05)

    found["lost"] = refusal(lambda: train("plain", folder / "killed-state", "multi_worker", progress=wait_for_the_kill))


def deliver(workers: Workers, model: PNFRec, folder: Path, found: dict[str, Any]) -> None:
    """What a script does with a model: the chief alone, while the other goes on."""
    from pnfrec_keras import evaluate, export_saved_model

    if workers.is_chief:
        counts = np.arange(ITEMS, 0, -1)
        export_saved_model(model, Vocabulary(IDS, counts, counts), folder / "export")
        found["measures"] = evaluate(model, data()[1])


def second(workers: Workers, folder: Path, found: dict[str, Any]) -> None:
    """The training in which one was ended, resumed."""
    own = folder / ("killed-state" if workers.is_chief else "nothing")
    result = train("plain", own, "multi_worker")
    found["resumed"] = {"history": result.history, "from": result.resumed_from}


def shapes(workers: Workers, folder: Path, found: dict[str, Any]) -> None:
    """A script that makes its own models, of other shapes."""
    del folder

    def make() -> None:
        with workers.scope():
            PNFRec(ITEMS + workers.task.rank, MODEL)

    found["shapes"] = refusal(make)


def keep(found: dict[str, Any], folder: Path, part: str, rank: int) -> None:
    """For the test, which reads it when both have ended."""
    (folder / f"{part}-{rank}.json").write_text(json.dumps(found), encoding="utf-8")


def main(folder: Path, part: str) -> None:
    workers = join_workers(wait_seconds=120)
    assert join_workers() is workers
    found: dict[str, Any] = {}
    {"first": first, "second": second, "shapes": shapes}[part](workers, folder, found)
    keep(found, folder, part, workers.task.rank)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
