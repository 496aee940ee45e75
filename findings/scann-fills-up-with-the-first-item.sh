#!/usr/bin/env bash
# Where ScaNN finds fewer neighbours than asked for, it fills the list up with the first item of the index, again and again.
#
# Versions: scann 1.3.5, tensorflow-recommenders 0.7.7, tensorflow 2.18.1, tf-keras 2.18.0, Python 3.10.
# Behaviour: TFRS' layer searches 10 of 100 leaves unless told otherwise. In 1,000 items these hold some 100, for many a query fewer,
#   and a list of 100 is filled up: item number 0, with the score NaN, once for each place that is left. No error, no warning,
#   no shorter list. Who gathers ids and drops the scores recommends one item to half of all users, several times in a list,
#   and counts it as covered and hit. ScaNN's own `search_batched` does the same; its `search` of one query returns a shorter list.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.10 (PYTHON names it), Linux on x86-64, a package index, 3 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="scann==1.3.5 tensorflow-recommenders==0.7.7 tensorflow==2.18.1 tf-keras==2.18.0 numpy==1.26.4"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.10}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.10}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import numpy as np
import scann
import tensorflow as tf
import tensorflow_recommenders as tfrs

ITEMS, QUERIES, K = 1_000, 200, 100
for package in ("scann", "tensorflow-recommenders", "tensorflow"):
    print(package, importlib.metadata.version(package))
generator = np.random.default_rng(0)
items = generator.normal(size=(ITEMS, 16)).astype(np.float32)
queries = generator.normal(size=(QUERIES, 16)).astype(np.float32)
names = tf.constant([f"item {number}" for number in range(ITEMS)])


def listed(layer: tf.keras.layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    layer.index(items, names)
    scores, found = layer(queries)
    return scores.numpy(), found.numpy().astype(str)


def tell(way: str, scores: np.ndarray, found: np.ndarray, first: object) -> None:
    """The share in words: how many items a leaf holds may hang on the processor's arithmetic."""
    lists = np.isnan(scores).any(axis=1)
    often = "none" if not lists.any() else "a third of them or more" if lists.mean() > 1 / 3 else "less than a third"
    print(f"{way}: lists with a score that is NaN: {often}")
    if lists.any():
        print(f"  what stands there: {sorted(set(found[np.isnan(scores)].tolist()))}")
        print(f"  lists that hold {first!r} twice or more: {bool(((found == first).sum(axis=1) > 1).any())}")
        print(f"  are all lists {K} long: {found.shape[1] == K}")


tell("TFRS, brute force", *listed(tfrs.layers.factorized_top_k.BruteForce(k=K)), "item 0")
tell("TFRS, ScaNN", *listed(tfrs.layers.factorized_top_k.ScaNN(k=K)), "item 0")
built = scann.scann_ops_pybind.builder(items, K, "dot_product").tree(100, 10, training_sample_size=ITEMS)
searcher = built.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(K).build()
neighbours, scores = searcher.search_batched(queries)
tell("ScaNN, search_batched", scores, neighbours, 0)
short = int(np.isnan(scores).any(axis=1).argmax())
print(f"ScaNN, search, one such query: shorter than {K}: {len(searcher.search(queries[short])[0]) < K}")
PYTHON

TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
scann 1.3.5
tensorflow-recommenders 0.7.7
tensorflow 2.18.1
TFRS, brute force: lists with a score that is NaN: none
TFRS, ScaNN: lists with a score that is NaN: a third of them or more
  what stands there: ['item 0']
  lists that hold 'item 0' twice or more: True
  are all lists 100 long: True
ScaNN, search_batched: lists with a score that is NaN: a third of them or more
  what stands there: [0]
  lists that hold 0 twice or more: True
  are all lists 100 long: True
ScaNN, search, one such query: shorter than 100: True
SEEN
diff seen found && echo "As seen."
