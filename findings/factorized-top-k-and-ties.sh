#!/usr/bin/env bash
# A model that gives all items the same score has a top-1 accuracy of 100 % by TFRS' FactorizedTopK.
#
# Versions: tensorflow-recommenders 0.7.7, tensorflow-cpu 2.21.0, tf-keras 2.21.0.
# Behaviour: the metric asks whether the true score is among the k best, and an item with an equal score is not counted
#   as before it. So a tower whose units have died, which cannot tell one item from another, measures 1.0 at every k; and
#   where many items share one embedding, as those outside of a vocabulary do, each of them counts as the best. With
#   `true_candidate_ids` the place in the list decides, and the same towers measure what chance gives. Nothing warns.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.10 to 3.13 (PYTHON names it), a package index, 2 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="tensorflow-recommenders==0.7.7 tensorflow-cpu==2.21.0 tf-keras==2.21.0"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

ITEMS, QUERIES, DIM = 1_000, 200, 16
for package in ("tensorflow-recommenders", "tensorflow-cpu", "tf-keras"):
    print(package, importlib.metadata.version(package))
generator = np.random.default_rng(0)


def towers(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of all items, and of the queries: query q is looking for item q."""
    items = generator.normal(size=(ITEMS, DIM)).astype(np.float32)
    queries = generator.normal(size=(QUERIES, DIM)).astype(np.float32)
    if name == "dead units":  # what a ReLU gives below 0
        return np.zeros_like(items), np.zeros_like(queries)
    if name == "one vector for 500 items":  # and queries that point to it
        items[:500] = items[0]
        return items, np.repeat(items[:1] * 10, QUERIES, axis=0)
    return items, queries


ids = np.array([f"item {number}" for number in range(ITEMS)])
for name in ("random", "dead units", "one vector for 500 items"):
    items, queries = towers(name)
    plain = tfrs.metrics.FactorizedTopK(tf.data.Dataset.from_tensor_slices(items).batch(128), ks=(1, 10))
    plain.update_state(queries, items[:QUERIES])
    named = tfrs.metrics.FactorizedTopK(tf.data.Dataset.from_tensor_slices((ids, items)).batch(128), ks=(1, 10))
    named.update_state(queries, items[:QUERIES], true_candidate_ids=tf.constant(ids[:QUERIES, None]))
    for how, metric in (("by scores", plain), ("by ids", named)):
        print(f"{name}, {how}:", ", ".join(f"top {k} {float(value):.3f}" for k, value in zip((1, 10), metric.result())))
PYTHON

TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
tensorflow-recommenders 0.7.7
tensorflow-cpu 2.21.0
tf-keras 2.21.0
random, by scores: top 1 0.000, top 10 0.005
random, by ids: top 1 0.000, top 10 0.005
dead units, by scores: top 1 1.000, top 10 1.000
dead units, by ids: top 1 0.005, top 10 0.050
one vector for 500 items, by scores: top 1 1.000, top 10 1.000
one vector for 500 items, by ids: top 1 0.005, top 10 0.050
SEEN
diff seen found && echo "As seen."
