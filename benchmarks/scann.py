"""The approximate index ScaNN, through tensorflow-recommenders, beside the exact query: time, recall@10, exclusions.

    python -m benchmarks.scann

Both start from the state of a user and give the 10 best items. The catalogue is made: items around centres, as trained
tables have them, and users near items. ScaNN is asked for 10 and for 110 items: it cannot leave any out, so a list
without the 100 that a user has seen takes that many more. It wants a build of its own for each TensorFlow, which
`make bench` puts into .venv/scann for TensorFlow 2.16; nothing else here uses it.
"""

import argparse
import importlib.metadata
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.measure import Side
from benchmarks.query import EXCLUDED, K, in_turn

FOLDER = measure.ROOT / ".venv" / "scann"
VERSION = "1.3.2"
# Which TensorFlow that version of ScaNN was built for.
TENSORFLOW = "2.16."
_CENTRES = 2000


def install() -> None:
    """Puts ScaNN, without what it depends on, into a folder of its own, unless it is there."""
    if (FOLDER / f"scann-{VERSION}.dist-info").is_dir():
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER)]
    done = subprocess.run([*command, f"scann=={VERSION}"], capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"ScaNN {VERSION} could not be installed: {done.stderr.strip()[-500:]}"
        raise RuntimeError(msg)


def make_vectors(items: int, dim: int, users: int) -> tuple[Any, Any]:
    """Items around centres of differing size, and users near items: float32 (items, dim) and (users, dim)."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(_CENTRES, dim))
    shares = 1 / np.arange(1, _CENTRES + 1)
    chosen = generator.choice(_CENTRES, items, p=shares / shares.sum())
    vectors = centres[chosen] + 0.5 * generator.normal(size=(items, dim))
    states = vectors[generator.integers(0, items, users)] + 0.5 * generator.normal(size=(users, dim))
    return vectors.astype(np.float32), states.astype(np.float32)


def measure_one(items: int, dim: int, batch: int, *, search: float, seconds: float) -> dict[str, float]:
    """Median milliseconds of each way, and the share of the exact 10 best that ScaNN finds."""
    import tensorflow as tf
    import tensorflow_recommenders as tfrs

    from pnfrec_keras.ranking import topk

    table, states = make_vectors(items, dim, 512)
    vectors, state = tf.constant(table), tf.constant(states[:batch])
    generator = np.random.default_rng(1)
    excluded = tf.constant(generator.integers(1, items, (batch, EXCLUDED)), tf.int32)
    # As many leaves as ScaNN's own guide advises.
    leaves = int(np.sqrt(items))
    index = tfrs.layers.factorized_top_k.ScaNN(
        k=K, num_leaves=leaves, num_leaves_to_search=max(round(search * leaves), 1), num_reordering_candidates=200
    )
    index.index(vectors)

    @tf.function
    def exact(state: Any, excluded: Any) -> Any:
        return topk.best_items(tf.matmul(state, vectors, transpose_b=True), excluded, K)

    @tf.function
    def approximate(state: Any, k: Any) -> Any:
        return index(state, k=k)

    found = in_turn(
        {
            "exact": lambda: exact(state, excluded)[0].numpy(),
            "scann": lambda: approximate(state, K)[1].numpy(),
            "scann deep": lambda: approximate(state, K + EXCLUDED)[1].numpy(),
        },
        seconds,
    )
    best = np.argsort(-(states @ table.T), axis=1)[:, :K]
    guess = approximate(tf.constant(states), K)[1].numpy()
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(best.tolist(), guess.tolist(), strict=True)])
    return {**found, "recall": float(recall)}


def row(found: dict[str, Any]) -> list[str]:
    return [
        f"{found['items']:,} items, d = {found['dim']}, batch {found['batch']}, {found['search']:.0%} searched",
        *(f"{found[name]:.2f}" for name in ("exact", "scann", "scann deep")),
        f"{found['scann deep'] / found['exact']:.2f}",
        f"{found['recall']:.3f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[5_000, 100_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--search", type=float, nargs="+", default=[0.05, 0.3], help="shares of the leaves")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--one", nargs=3, type=int, metavar=("ITEMS", "DIM", "BATCH"), help="one size, as JSON")
    arguments = parser.parse_args()
    if arguments.one:
        sys.stdout.write(
            json.dumps(measure_one(*arguments.one, search=arguments.search[0], seconds=arguments.seconds)) + "\n"
        )
        return
    version = importlib.metadata.version("tensorflow")
    if not version.startswith(TENSORFLOW):
        measure.say(f"Left out: ScaNN {VERSION} is built for TensorFlow {TENSORFLOW}x, and this is {version}.")
        return
    install()
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # see benchmarks/query.py
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH", "")]))
    found: list[dict[str, Any]] = []
    for items, batch, search in itertools.product(arguments.items, arguments.batches, arguments.search):
        size = (str(items), str(arguments.dim), str(batch))
        options = ("--seconds", str(arguments.seconds), "--search", str(search), "--one", *size)
        side = Side("scann", "benchmarks.scann", options)
        found.append({"items": items, "dim": arguments.dim, "batch": batch, "search": search, **side.run()})
        measure.say(f"  {row(found[-1])}")
    header = ["median ms", "exact", f"ScaNN {K}", f"ScaNN {K + EXCLUDED}", "ScaNN / exact", f"recall@{K}"]
    measure.say("\n" + measure.table(header, [row(each) for each in found]))
    path: Path = measure.store("scann", {"sizes": found, "version": f"scann {VERSION}, tensorflow {version}"})
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
