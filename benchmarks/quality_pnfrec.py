"""Our side of `benchmarks/quality.py`: `pnfrec_keras.training.fitting.train`, as the Trainer calls it."""

import argparse
import dataclasses
import json
import os
import resource
import sys
import tempfile
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from benchmarks.quality_data import SETS, Targets, Task
from benchmarks.workloads import LENGTH
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.evaluation.evaluate import batches, examples_at, of_model
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays
from pnfrec_keras.examples.batch import NEGATIVE, POSITIVE
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.fitting import train


def examples(targets: Targets) -> EvaluationArrays:
    seen = [row[row > 0] for row in targets.seen]
    return EvaluationArrays(targets.positive, seen, targets.target, targets.is_positive)


def score(model: PNFRec, arrays: EvaluationArrays) -> npt.NDArray[np.floating[Any]]:
    """Scores of the catalogue: (T, items + 1)."""
    recommend = of_model(model, None)
    return np.concatenate([recommend(part) for part in batches(arrays)])


def settings(given: list[str], model: ModelConfig, training: TrainingConfig) -> tuple[ModelConfig, TrainingConfig]:
    """`model.KEY=VALUE` and `training.KEY=VALUE` on top of the defaults here."""
    values: dict[str, dict[str, Any]] = {"model": {}, "training": {}}
    for text in given:
        name, value = text.split("=", 1)
        section, key = name.split(".", 1)
        values[section][key] = value if value[0].isalpha() else json.loads(value)
    return dataclasses.replace(model, **values["model"]), dataclasses.replace(training, **values["training"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    task = Task.read(arguments.task)
    model_config, training = settings(
        arguments.set,
        ModelConfig(max_length=LENGTH, dim=arguments.dim),
        TrainingConfig(seed=arguments.seed),  # batch 500, 100 epochs, patience 10
    )
    validation = examples(task.targets["validation"])
    validation = examples_at(validation, np.flatnonzero(validation.is_positive))
    days = {POSITIVE: task.positive_days, NEGATIVE: task.negative_days} if model_config.trend_days else None
    seconds: list[float] = []
    begin = time.perf_counter()

    def note(epoch: int, measures: dict[str, float]) -> None:
        seconds.append(time.perf_counter() - begin)
        sys.stderr.write(f"epoch {epoch}: {seconds[-1]:.1f} s, {measures['val_ndcg_p']:.4f}\n")

    with tempfile.TemporaryDirectory() as state:
        result = train(
            *(task.items, TrainingArrays(task.positive, task.negative, days=days), validation, model_config, training),
            state_dir=state,
            progress=note,
        )
    gains, coverage = {}, 0.0
    for name in SETS:  # of all items, and of those that models of likes alone know
        scores = score(result.model, examples(task.targets[name]))
        gains[name] = [task.targets[name].gains(scores, known) for known in (None, task.known)]
        coverage = task.targets[name].coverage(scores, task.known)  # of test in the end
    measured = {
        "seconds": seconds,
        "validation": [epoch["val_ndcg_p"] for epoch in result.history],
        "test": task.targets["test"].ndcg(gains["test"][0]),
        "gains": {name: of_known.tolist() for name, (_, of_known) in gains.items()},
        "coverage": coverage,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "version": f"tensorflow {tf.__version__}",
    }
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
