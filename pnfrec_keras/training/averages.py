"""Moving averages of the weights, which an optimizer with `use_ema` makes: validated, kept as best, or taken."""

from collections.abc import Iterator
from typing import Any

import keras


class AveragedWeights(keras.callbacks.Callback):
    """Validates, and has kept as best, the moving average of the weights that an optimizer with `use_ema` makes.

    The two change places before validation, and back once early stopping has seen the epoch: training goes on from its
    own weights. Put it after early stopping in the list, and before `ResumableState`. Values are moved, not added
    and subtracted as by Keras' `SwapEMAWeights`, so that a resumed run ends with the weights of an uninterrupted one.
    """

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        del logs
        self._change_places()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        del epoch, logs
        self._change_places()

    def _change_places(self) -> None:
        for variable, average in _with_averages(self.model):
            values = variable.numpy()
            variable.assign(average)
            average.assign(values)


def start_averages(model: keras.Model) -> None:
    """Averages of the weights that there are: Keras' are zero until a first step that no scaled loss overflows in."""
    for variable, average in _with_averages(model):
        average.assign(variable)


def take_averages(model: keras.Model) -> None:
    """Leaves a model with the averages of its weights, where its optimizer makes some."""
    if has_averages(model):
        for variable, average in _with_averages(model):
            variable.assign(average)


def has_averages(model: keras.Model) -> bool:
    """Whether the optimizer of a model makes averages of its weights."""
    return bool(_optimizer(model).use_ema)


def _optimizer(model: keras.Model) -> Any:
    # With mixed_float16 it is inside that of the scaled loss.
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def _with_averages(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    return zip(model.trainable_variables, _optimizer(model)._model_variables_moving_average, strict=True)
