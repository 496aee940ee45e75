"""Processor time until the first step of a training is taken: by our Adam, and by Keras' own.

    python -m benchmarks.first_step

PNFRec at the settings of the paper but for d = 64, batches of 500 random users: the first two steps, which build and
optimize the graph, and the twenty after them, of which one is told. Each side is a process of its own.
"""

import argparse
import json
import sys
import time
from typing import Any

from benchmarks import measure
from benchmarks.measure import Side

_MODULE = "benchmarks.first_step"
_ITEMS, _LENGTH, _USERS, _STEPS = 2700, 50, 500, 20


def take_steps(optimizer: str) -> dict[str, Any]:
    """Seconds of processor time of the first two steps together, and of a later one."""
    import keras
    import numpy as np
    import tensorflow as tf

    from pnfrec_keras.network.model import PNFRec
    from pnfrec_keras.training.adam import Adam

    random = np.random.default_rng(0)

    def sequences() -> tuple[Any, Any]:
        lengths = random.integers(2, _LENGTH + 2, (_USERS, 1))
        items = random.integers(1, _ITEMS + 1, (_USERS, _LENGTH + 1)).astype(np.int32)
        items[np.arange(_LENGTH + 1) >= lengths] = 0
        labels = items[:, 1:]
        return np.where(labels > 0, items[:, :-1], 0), labels

    positive, negative = sequences(), sequences()
    batch = tuple({"positive": one, "negative": other} for one, other in zip(positive, negative, strict=True))
    batches = tf.data.Dataset.from_tensors(batch).repeat()
    model = PNFRec(_ITEMS, dim=64)
    model.compile(Adam(1e-3) if optimizer == "ours" else keras.optimizers.Adam(1e-3))
    seconds = []
    for steps in (2, _STEPS):
        begin = time.process_time()
        model.fit(batches, steps_per_epoch=steps, verbose=0)
        seconds.append(time.process_time() - begin)
    return {"first": seconds[0], "step": seconds[1] / _STEPS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--optimizer", choices=("ours", "keras"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.optimizer:
        sys.stdout.write(json.dumps(take_steps(arguments.optimizer)) + "\n")
        return
    sides = [Side(name, _MODULE, ("--optimizer", name)) for name in ("ours", "keras")]
    runs = measure.in_turn(sides, arguments.rounds)
    keys = ("first", "step")
    medians = {name: [measure.median(found, key) for key in keys] for name, found in runs.items()}
    rows = [[name, *(f"{value:.2f}" for value in values)] for name, values in medians.items()]
    rows.append(["ours / keras", *(f"{one / other:.2f}" for one, other in zip(*medians.values(), strict=True))])
    measure.say("\n" + measure.table(["seconds of processor time", "first two steps", "a later step"], rows))
    measure.store("first_step", {"runs": runs})


if __name__ == "__main__":
    main()
