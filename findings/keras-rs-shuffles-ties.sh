#!/usr/bin/env bash
# Keras' own ranking metrics (keras-rs) give another number each time where scores tie, and `shuffle_ties=False` does not stop it.
#
# Versions: keras-rs 0.4.0, keras 3.15.1, tensorflow 2.21.0, Python 3.11 (run on TensorFlow; the lines that shuffle are one for all backends).
# Behaviour: by default items with equal scores are put in a random order, anew at each call, so that one model on one set of
#   examples has as many NDCGs as evaluations. The argument `shuffle_ties=False`, which says that it turns this off, changes nothing: a
#   metric always passes a mask of the items that count, and where there is a mask the ties are shuffled whatever the argument says. A
#   fixed `seed` makes a new metric repeat itself, but `reset_state`, which Keras calls before each epoch, leaves the generator where it
#   is, so that the epochs of one `fit` are still measured by different orders, and the best of them is in part the luckiest.
#   All six metrics (NDCG, DCG, mean average precision, MRR, precision and recall at k) do it. Scores tie where they are counts or in half
#   precision, and where a model gives all items that it does not know the same.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 to 3.13 (PYTHON names it), a package index, 2 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="keras-rs==0.4.0 keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.3.5"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import keras_rs
import numpy as np

for package in ("keras-rs", "keras", "tensorflow-cpu"):
    print(package, importlib.metadata.version(package))
generator = np.random.default_rng(0)
labels = (generator.random((1_000, 50)) < 0.1).astype("float32")
tied = generator.integers(0, 5, labels.shape).astype("float32")
distinct = generator.permuted(np.tile(np.arange(50, dtype="float32"), (1_000, 1)), axis=1)
METRICS = ("NDCG", "DCG", "MeanAveragePrecision", "MeanReciprocalRank", "PrecisionAtK", "RecallAtK")


def values(name: str, scores: np.ndarray, **settings: object) -> set[float]:
    """Of new metrics, each on the same examples."""
    found = set()
    for _ in range(8):
        metric = getattr(keras_rs.metrics, name)(k=10, **settings)
        metric.update_state(labels, scores)
        found.add(float(metric.result()))
    return found


def tell(what: str, found: dict[str, set[float]]) -> None:
    several = [name for name, each in found.items() if len(each) > 1]
    said = "one value each" if not several else f"several values: {', '.join(several)}"
    print(f"{what}: {said}")


tell("distinct scores", {name: values(name, distinct) for name in METRICS})
tell("tied scores", {name: values(name, tied) for name in METRICS})
tell("tied scores, shuffle_ties=False", {name: values(name, tied, shuffle_ties=False) for name in METRICS})
tell("tied scores, shuffle_ties=False, seed=1, new metrics", {"NDCG": values("NDCG", tied, shuffle_ties=False, seed=1)})
metric = keras_rs.metrics.NDCG(k=10, shuffle_ties=False, seed=1)
epochs = set()
for _ in range(8):
    metric.reset_state()
    metric.update_state(labels, tied)
    epochs.add(float(metric.result()))
tell("the same, one metric that is reset", {"NDCG": epochs})
apart = values("NDCG", tied, shuffle_ties=False)
print(f"NDCG@10 of 1,000 lists, apart by more than .001: {max(apart) - min(apart) > 0.001}")
PYTHON

TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
keras-rs 0.4.0
keras 3.15.1
tensorflow-cpu 2.21.0
distinct scores: one value each
tied scores: several values: NDCG, DCG, MeanAveragePrecision, MeanReciprocalRank, PrecisionAtK, RecallAtK
tied scores, shuffle_ties=False: several values: NDCG, DCG, MeanAveragePrecision, MeanReciprocalRank, PrecisionAtK, RecallAtK
tied scores, shuffle_ties=False, seed=1, new metrics: one value each
the same, one metric that is reset: several values: NDCG
NDCG@10 of 1,000 lists, apart by more than .001: True
SEEN
diff seen found && echo "As seen."
