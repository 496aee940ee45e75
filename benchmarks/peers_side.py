"""What an outside peer of `benchmarks/peers.py` runs in its own environment: fits one model and tells its gains."""

import argparse
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.quality_data import SETS, Targets, Task

Scores = np.ndarray[Any, Any]
# From settings and a task to a function from targets to scores (T, items + 1).
Fitted = Callable[[Targets], Scores]


def main(models: Mapping[str, Callable[..., Fitted]], description: str) -> None:
    """Prints one line of JSON: seconds of the fit, the gain of each target, the coverage of the test half."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("model", choices=models)
    parser.add_argument("settings", type=json.loads)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    task = Task.read(arguments.task)
    begin = time.perf_counter()
    score = models[arguments.model](task, **arguments.settings)
    seconds = time.perf_counter() - begin
    scores = {each: score(task.targets[each]) for each in SETS}
    gains = {each: task.targets[each].gains(values, task.known).tolist() for each, values in scores.items()}
    coverage = task.targets["test"].coverage(scores["test"], task.known)
    sys.stdout.write(json.dumps({"seconds": seconds, "gains": gains, "coverage": coverage}) + "\n")
