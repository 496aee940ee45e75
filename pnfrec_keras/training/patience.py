"""When a training stops: early stopping that keeps the best weights."""

from typing import Any

import keras


class Patience(keras.callbacks.EarlyStopping):
    """Early stopping that keeps the best weights, and does not stop before a number of epochs.

    Unlike Keras' `start_from_epoch`, which forgets the first epochs, this counts them: one of them may be the best.

    Args:
        monitor: Name of the measure, of which more is better.
        patience: Epochs without a better one after which training stops.
        min_epochs: Before which it does not.
    """

    def __init__(self, monitor: str, patience: int, min_epochs: int = 0) -> None:
        super().__init__(monitor, mode="max", patience=patience, restore_best_weights=True)
        self.stopped_epoch: int = 0
        self.min_epochs = min_epochs

    def is_over(self, epochs: int, wait: int) -> bool:
        """Whether training stops after so many epochs, the last `wait` of them without a better measure."""
        return wait >= self.patience and epochs >= self.min_epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.stopped_epoch and not self.is_over(epoch + 1, self.wait):
            self.model.stop_training, self.stopped_epoch = False, 0
