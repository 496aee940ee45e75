"""A query beside the least it can cost, a bare matmul + top_k, and beside TFRS' BruteForce.query_with_exclusions.

    python -m benchmarks.query

All three start from the state of a user (batch, d) and give the 10 best of N items; ours and TFRS' leave out 100 items
a row. Median milliseconds of a call, the three in turn. `whole call` is the exported signature from string ids to
string ids, encoder and hash tables included, over a history of 50 items.
"""

import argparse
import collections
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.measure import Side

EXCLUDED, K, HISTORY = 100, 10, 50


def in_turn(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Median milliseconds of each call, one after another for `seconds` in all.

    Each round begins with the next of them, so that none always finds the caches as the same other one left them.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    order = collections.deque(calls)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        order.rotate(1)
        for name in order:
            begin = time.perf_counter()
            calls[name]()
            times[name].append(1e3 * (time.perf_counter() - begin))
    return {name: float(np.median(each)) for name, each in times.items()}


def measure_one(size: tuple[int, int, int], seconds: float) -> dict[str, float]:
    """The three ways from a state to a list, and the whole call."""
    import tensorflow as tf
    import tensorflow_recommenders as tfrs

    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec
    from pnfrec_keras.ranking import topk

    items, dim, batch = size
    generator = np.random.default_rng(0)
    vectors = tf.constant(generator.normal(size=(items + 1, dim)), tf.float32)
    state = tf.constant(generator.normal(size=(batch, dim)), tf.float32)
    excluded = tf.constant(generator.integers(1, items + 1, (batch, EXCLUDED)), tf.int32)
    index = tfrs.layers.factorized_top_k.BruteForce(k=K)
    index.index(vectors)

    @tf.function
    def bare(state: Any) -> Any:
        return tf.math.top_k(tf.matmul(state, vectors, transpose_b=True), K)

    @tf.function
    def ours(state: Any, excluded: Any) -> Any:
        return topk.best_items(tf.matmul(state, vectors, transpose_b=True), excluded, K)

    @tf.function
    def brute_force(state: Any, excluded: Any) -> Any:
        return index.query_with_exclusions(state, excluded)

    calls = {
        "bare": lambda: bare(state)[1].numpy(),
        "ours": lambda: ours(state, excluded)[0].numpy(),
        "tfrs": lambda: brute_force(state, excluded)[1].numpy(),
    }
    found = in_turn(calls, seconds)
    ids = [f"item-{number}" for number in range(items)]
    counts = np.arange(items, 0, -1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1"
        model = PNFRec(items, max_length=HISTORY, dim=dim, alpha=0.0, beta=0.0)
        export_saved_model(model, Vocabulary(ids, counts, counts), path)
        loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_default"]
    history = tf.constant([[ids[place] for place in row] for row in generator.integers(0, items, (batch, HISTORY))])
    leave_out = tf.constant([[ids[place - 1] for place in row] for row in excluded.numpy()])
    wanted = tf.fill([batch], K)
    whole = in_turn(
        {"whole": lambda: signature(positive_item_ids=history, exclude_item_ids=leave_out, k=wanted)}, seconds / 2
    )
    return {**found, **whole}


def row(found: Mapping[str, Any]) -> list[str]:
    cells = [f"{found['items']:,} items, d = {found['dim']}, batch {found['batch']}"]
    cells += [f"{found[name]:.2f}" for name in ("bare", "ours", "tfrs")]
    return [
        *cells,
        f"{found['ours'] / found['bare']:.2f}",
        f"{found['ours'] / found['tfrs']:.2f}",
        f"{found['whole']:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[5_000, 100_000, 1_000_000])
    parser.add_argument("--dims", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--one", nargs=3, type=int, metavar=("ITEMS", "DIM", "BATCH"), help="one size, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        sys.stdout.write(json.dumps(measure_one(arguments.one, arguments.seconds)) + "\n")
        return
    # tensorflow-recommenders 0.7.7 needs Keras 2 as tf.keras, chosen before TensorFlow loads.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    found = []
    for items in arguments.items:
        for dim in arguments.dims:
            for batch in arguments.batches:
                size = (str(items), str(dim), str(batch))
                side = Side("query", "benchmarks.query", ("--seconds", str(arguments.seconds), "--one", *size))
                found.append({"items": items, "dim": dim, "batch": batch, **side.run()})
                measure.say(f"  {row(found[-1])}")
    header = ["median ms", "bare", "ours", "TFRS", "ours / bare", "ours / TFRS", "whole call"]
    measure.say("\n" + measure.table(header, [row(each) for each in found]))
    measure.say(f"Stored in {measure.store('query', {'sizes': found}).relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
