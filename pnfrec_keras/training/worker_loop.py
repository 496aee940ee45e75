"""The epochs of a training that several processes share.

Keras 3's own `fit` raises under MultiWorkerMirroredStrategy (seen with 3.12 and 3.15): it takes a worker's values for
those of a whole machine. Here the model's own steps run in the strategy, and everything about an epoch is as in `fit`.
"""

import dataclasses
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from pnfrec_core.measures import POSITIVE_GROUP
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import (
    EvaluationArrays,
    TrainingArrays,
    evaluation_dataset,
    steps_per_epoch,
    training_dataset,
)
from pnfrec_keras.examples.shares import Share
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.agreement import ADVICE, check_alike
from pnfrec_keras.training.patience import Patience
from pnfrec_keras.training.resume import ResumableState
from pnfrec_keras.training.what_is_trained import facts_of_all
from pnfrec_keras.training.workers import Workers


class SharedState(ResumableState):
    """The state of a training that several processes share: the chief keeps it, and tells it to the others.

    Args:
        folder: Where the chief keeps it; what the others are given does not matter.
        early_stopping: As of `ResumableState`.
        trained: As of `ResumableState`.
        workers: Who trains.
    """

    def __init__(
        self, folder: str | Path | None, early_stopping: Patience | None, trained: str, workers: Workers
    ) -> None:
        super().__init__(folder if workers.is_chief else None, early_stopping, trained)
        self._workers = workers

    def _found(self, model: keras.Model) -> dict[str, Any]:
        is_there = self.path is not None and self.path.exists()
        # One reading for all, so that all begin with the same epoch.
        content = self._workers.from_chief(self.path.read_bytes() if self.path is not None and is_there else b"")
        return self._read(model, io.BytesIO(content)) if content else {}


@dataclasses.dataclass(frozen=True)
class WorkerLoop:
    """Trains a model together with other processes.

    Args:
        workers: Who trains.
        model: Made in the scope of their strategy, and compiled.
        config: How it is fitted: batches, seed and epochs.
        own_rows: Whether each process has training rows of its own; else all have all.
    """

    workers: Workers
    model: PNFRec
    config: TrainingConfig
    own_rows: bool = False

    def check(self, training_data: TrainingArrays, validation_data: EvaluationArrays | None) -> None:
        """Raises a ValueError in all processes where one has other data or settings, or the batch does not divide.

        That of others names what differs (`agreement.check_alike`).
        """
        data = None if self.own_rows else training_data
        facts = facts_of_all(self.model, self.config, data, validation_data)
        check_alike(self.workers, {**facts, "`own_rows`": repr(self.own_rows)})
        replicas = self.workers.share.of
        if self.config.batch_size % replicas:
            lower = self.config.batch_size // replicas * replicas
            msg = (
                f"`training.batch_size` ({self.config.batch_size}) must be a multiple of the {replicas} replicas of "
                f"{len(self.workers.task.members)} workers, which share each batch: set it to {lower or replicas} or "
                f"{lower + replicas}."
            )
            raise ValueError(msg)

    def steps(self, training_data: TrainingArrays) -> int:
        """Of an epoch: until the process with the most rows has gone through them."""
        if not self.own_rows:
            return steps_per_epoch(training_data, self.config.batch_size)
        own = max(self.config.batch_size // len(self.workers.task.members), 1)
        with self.workers.watching(ADVICE):
            return max(-(-rows // own) for rows in self.workers.numbers_of_all(len(training_data)))

    def total(self, number: int) -> int:
        """The sum over all processes of a number of training rows, or of what is in them."""
        with self.workers.watching(ADVICE):
            return sum(self.workers.numbers_of_all(number)) if self.own_rows else number

    def run(
        self,
        training_data: TrainingArrays,
        validation_data: EvaluationArrays | None,
        first_epoch: int,
        epochs: int,
        callbacks: Sequence[Any],
        verbose: int | str,
    ) -> None:
        """The epochs from `first_epoch` to `epochs` (exclusive), as Keras' `fit` has them.

        Raises:
            WorkerLostError: Another process is gone.
        """
        with self.workers.watching(ADVICE):
            self._run(training_data, validation_data, first_epoch, epochs, callbacks, verbose)

    def _run(
        self,
        training_data: TrainingArrays,
        validation_data: EvaluationArrays | None,
        first_epoch: int,
        epochs: int,
        callbacks: Sequence[Any],
        verbose: int | str,
    ) -> None:
        model, steps = self.model, self.steps(training_data)
        verbose = verbose if self.workers.is_chief else 0
        calls = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
        batches = self._iterator(lambda: self._training(training_data, first_epoch, steps))
        train, validate = self._step(model.train_step), self._step(model.test_step)
        model.stop_training = False
        calls.on_train_begin()
        logs: dict[str, float] = {}
        for epoch in range(first_epoch, epochs):
            model.reset_metrics()
            calls.on_epoch_begin(epoch)
            for step in range(steps):
                calls.on_train_batch_begin(step)
                train(batches)
                calls.on_train_batch_end(step)
                if model.stop_training:
                    break
            logs = _numbers(model.compute_metrics(None, None, None))
            if validation_data is not None:
                logs |= self._validate(validate, validation_data, calls)
            calls.on_epoch_end(epoch, logs)
            # One that goes on while another has stopped would wait for ever.
            model.stop_training = any(self.workers.of_all(model.stop_training))
            if model.stop_training:
                break
        model.optimizer.finalize_variable_values(model.trainable_variables)
        calls.on_train_end(logs)

    def _training(self, data: TrainingArrays, first_epoch: int, steps: int) -> Any:
        size, seed, share = self.config.batch_size, self.config.seed, self.workers.share
        if self.own_rows:
            size //= len(self.workers.task.members)
            seed = (seed + self.workers.task.rank) % 2**32
            share = Share(0, share.count, share.count, rows=steps * size)
        return training_dataset(data, size, seed, first_epoch, share=share)

    def _validate(self, step: Callable[[Any], None], data: EvaluationArrays, calls: Any) -> dict[str, float]:
        size = self.config.evaluation_batch_size
        batches = self._iterator(lambda: evaluation_dataset(data, size, self.workers.share).repeat())
        calls.on_test_begin()
        self.model.reset_metrics()
        for number in range(-(-len(data) // size)):
            calls.on_test_batch_begin(number)
            step(batches)
            calls.on_test_batch_end(number)
        measured = [
            metric
            for metric in self.model.ranking_metrics
            if metric.group == POSITIVE_GROUP or not data.is_positive.all()
        ]
        logs = _numbers({metric.name: metric.result() for metric in measured})
        calls.on_test_end(logs)
        return {f"val_{name}": value for name, value in logs.items()}

    def _step(self, of_replica: Callable[[Any], Any]) -> Callable[[Any], None]:
        """One step of all replicas, on the next batch of an iterator."""
        strategy = self.workers.strategy

        def step(batches: Any) -> None:
            strategy.run(of_replica, args=(next(batches),))

        return step if self.model.run_eagerly else tf.function(step)

    def _iterator(self, endless: Callable[[], Any]) -> Iterator[Any]:
        """Over what this process reads; without asking the others at each step whether they have something left."""

        def batches(context: Any) -> Any:
            del context
            return endless().apply(tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY))

        return iter(self.workers.strategy.distribute_datasets_from_function(batches))


def _numbers(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}
