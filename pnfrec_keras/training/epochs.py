"""The epochs of a training: Keras' own `fit`, or a loop of ours where several processes share it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pnfrec_core.events import TrainingStarted
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import (
    EvaluationArrays,
    TrainingArrays,
    evaluation_dataset,
    even_batches,
    steps_per_epoch,
    training_dataset,
)
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.patience import Patience
from pnfrec_keras.training.resume import ResumableState
from pnfrec_keras.training.warm import WarmStart
from pnfrec_keras.training.what_is_trained import digest_for_resume
from pnfrec_keras.training.worker_loop import SharedState, WorkerLoop
from pnfrec_keras.training.workers import check_scope, workers_of


class Epochs:
    """How a model goes through its data, by the strategy in whose scope it was made.

    Args:
        model: Compiled.
        config: How it is fitted: batches, seed.
        own_rows: Whether each of several processes has training rows of its own.

    Attributes:
        own_rows: The same; with a single process, whose rows are all, it is not so.
        reports: Whether this process writes and reports: the only one, or the chief of several.

    Raises:
        ValueError: The process has joined others, and the model was not made in their scope.
    """

    def __init__(self, model: PNFRec, config: TrainingConfig, own_rows: bool = False) -> None:
        check_scope(model.distribute_strategy)
        self._model, self._config = model, config
        workers = workers_of(model.distribute_strategy)
        self._loop = None if workers is None else WorkerLoop(workers, model, config, own_rows)
        self.own_rows = self._loop is not None and own_rows
        self.reports = workers is None or workers.is_chief

    def check(self, training_data: TrainingArrays, validation_data: EvaluationArrays | None) -> None:
        """Raises a ValueError where several processes cannot train on this together (`WorkerLoop.check`)."""
        if self._loop is not None:
            self._loop.check(training_data, validation_data)

    def check_own_rows(self, initial: WarmStart | None) -> None:
        """Raises a ValueError where a model needs the rows of everybody in each process, and they have their own."""
        needs = {
            "`model.trend_days`, which counts what everybody chose": bool(self._model.trend_weights),
            '`new_items` other than "random" of a warm start': initial is not None and initial.new_items != "random",
        }
        if found := [each for each, is_so in needs.items() if is_so and self.own_rows]:
            msg = f"`own_rows` cannot be with {' and with '.join(found)}: give each process all rows."
            raise ValueError(msg)

    def steps(self, training_data: TrainingArrays) -> int:
        """Of an epoch."""
        if self._loop is not None:
            return self._loop.steps(training_data)
        return steps_per_epoch(training_data, self._config.batch_size)

    def of_all(self, started: TrainingStarted) -> TrainingStarted:
        """What all processes train on, by what this one does."""
        if not self.own_rows or self._loop is None:
            return started
        total = self._loop.total
        return dataclasses.replace(started, users=total(started.users), interactions=total(started.interactions))

    def state(
        self,
        folder: str | Path | None,
        early_stopping: Patience | None,
        training_data: TrainingArrays,
        validation_data: EvaluationArrays | None,
        initial: WarmStart | None,
    ) -> ResumableState:
        """What an interrupted training leaves, and is gone on with by a training of the same data and settings."""
        if self._loop is None and folder is None:
            return ResumableState(None, early_stopping)
        shared = None if self.own_rows else training_data
        trained = digest_for_resume(self._model, self._config, shared, validation_data, initial)
        if self._loop is None:
            return ResumableState(folder, early_stopping, trained)
        # Also without a folder: of several processes the chief alone may have one.
        return SharedState(folder, early_stopping, trained, self._loop.workers)

    def run(
        self,
        training_data: TrainingArrays,
        validation_data: EvaluationArrays | None,
        first_epoch: int,
        epochs: int,
        callbacks: Sequence[Any],
        verbose: int | str,
    ) -> None:
        """The epochs from `first_epoch` to `epochs` (exclusive)."""
        if self._loop is not None:
            self._loop.run(training_data, validation_data, first_epoch, epochs, callbacks, verbose)
            return
        config, replicas = self._config, self._model.distribute_strategy.num_replicas_in_sync
        batches = training_dataset(training_data, config.batch_size, config.seed, first_epoch, epochs)
        validation: dict[str, Any] = {}
        if validation_data is not None:
            validated = evaluation_dataset(validation_data, config.evaluation_batch_size)
            validation = {"validation_data": even_batches(validated, replicas)}
        self._model.fit(
            even_batches(batches, replicas),
            steps_per_epoch=steps_per_epoch(training_data, config.batch_size),
            initial_epoch=first_epoch,
            epochs=epochs,
            callbacks=list(callbacks),
            verbose=verbose,
            shuffle=False,  # They come in the order of the seed; newer releases of Keras warn of the default.
            **validation,
        )
