"""Our own epochs for `benchmarks/training.py`: `model.fit` on a workload file, as the Trainer calls it."""

import argparse
import dataclasses
import json
import os
import resource
import sys
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from benchmarks.workloads import LENGTH, Workload
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, steps_per_epoch, training_dataset
from pnfrec_keras.training.build import build_model


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._begin)
        self.losses.append(float((logs or {})["loss"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only-positive", action="store_true", help="SASRec on the positive sequence (SASRec_p)")
    parser.add_argument("--loss", default="softmax", help="or sampled_softmax, gbce, with 1,024 negatives")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--profile", help="write a TensorFlow trace of the last epoch here")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    keras.utils.set_random_seed(0)
    data = Workload.read(arguments.workload)
    config = ModelConfig(max_length=LENGTH, dim=arguments.dim, similarity="dot", loss=arguments.loss)
    if arguments.only_positive:
        config = dataclasses.replace(config, alpha=0.0, beta=0.0)
    training = TrainingConfig(batch_size=arguments.batch, epochs=arguments.epochs, precision=arguments.precision)
    model = build_model(data.items, config, training)
    arrays = TrainingArrays(data.positive, data.negative)
    clock = _Clock()
    callbacks: list[Any] = [clock]
    if arguments.profile:
        callbacks.append(_Trace(arguments.profile, arguments.epochs - 1))
    model.fit(
        training_dataset(arrays, arguments.batch, seed=0, epochs=arguments.epochs),
        steps_per_epoch=steps_per_epoch(arrays, arguments.batch),
        epochs=arguments.epochs,
        callbacks=callbacks,
        verbose=0,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    version = f"tensorflow {tf.__version__}, keras {keras.__version__}"
    result = {"seconds": clock.seconds, "losses": clock.losses, "peak_gib": peak, "version": version}
    sys.stdout.write(json.dumps(result) + "\n")


class _Trace(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, folder: str, epoch: int) -> None:
        super().__init__()
        self.folder, self.epoch = folder, epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == self.epoch:
            tf.profiler.experimental.start(self.folder)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if epoch == self.epoch:
            tf.profiler.experimental.stop()


if __name__ == "__main__":
    main()
