"""Makes the model and the optimizer that settings describe, under their strategy and precision."""

import math
from typing import Any

import keras
import tensorflow as tf

from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.adam import Adam
from pnfrec_keras.training.agreement import check_alike
from pnfrec_keras.training.averages import start_averages
from pnfrec_keras.training.what_is_trained import facts_of_settings
from pnfrec_keras.training.workers import join_workers, workers_of


def begin(training: TrainingConfig) -> None:
    """What comes before anything else of a training: its other machines are joined, and its seed is set."""
    if training.strategy == "multi_worker":
        join_workers()
    keras.utils.set_random_seed(training.seed)
    make_deterministic(training)


def make_deterministic(training: TrainingConfig) -> None:
    """Makes all that follows in this process deterministic, where the settings ask for it."""
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()


def build_model(
    num_items: int, model_config: ModelConfig, training: TrainingConfig, steps: int | None = None
) -> PNFRec:
    """A compiled model under the strategy and precision of the settings.

    Args:
        num_items: Size of the catalogue.
        model_config: The network.
        training: How it is fitted.
        steps: Of an epoch, which `average_epochs` counts in; None: to rank, without an average.

    Raises:
        DifferentWorkersError: Another of several processes would make another model.
    """
    strategy = make_strategy(training.strategy)
    workers = workers_of(strategy)
    if workers is not None:
        # TensorFlow tells of variables of other shapes in riddles, and only one of two that differ.
        facts = facts_of_settings({**vars(model_config), "num_items": num_items}, training)
        check_alike(workers, {**facts, "steps of an epoch": str(steps)})
    with strategy.scope():
        model = PNFRec(num_items, model_config, k=training.k, dtype=training.precision)
        compile_model(model, training, steps)
    return model


def compile_model(model: PNFRec, training: TrainingConfig, steps: int | None = None) -> None:
    """Gives a model its optimizer, in the scope of the strategy that it was made in; arguments as of `build_model`."""
    average: dict[str, Any] = {}
    if training.average_epochs and steps:
        average = {"use_ema": True, "ema_momentum": math.exp(-1.0 / (training.average_epochs * steps))}
    optimizer = Adam(training.learning_rate, **average)
    model.compile(optimizer=optimizer, jit_compile=training.jit_compile)
    # Its variables must exist before a state can be restored into them.
    model.optimizer.build(model.trainable_variables)
    if average:
        start_averages(model)


def make_strategy(name: str) -> Any:
    """The `tf.distribute` strategy of a setting: "none", "mirrored" or "multi_worker".

    The last one joins the processes that TF_CONFIG names, and raises as `workers.join_workers` does.

    Raises:
        ValueError: Unknown name.
    """
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi_worker":
        return join_workers().strategy
    msg = f"`training.strategy` must be 'none', 'mirrored' or 'multi_worker'. Received: {name!r}."
    raise ValueError(msg)
