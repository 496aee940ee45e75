#!/usr/bin/env bash
# The best item of a list beside one whose score is NaN: tf.math.top_k with k = 1 on CPU leaves the best one out.
#
# Versions: tensorflow-cpu 2.21.0.
# Behaviour: with one NaN among the scores, top_k(scores, 1) may return a smaller finite score than the largest one, and
#   nothing marks it as wrong. With k of 2 and more the largest finite score was there each time. A recommender that
#   filters what is not finite after top_k lists the wrong item; one that filters before does not.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.10 to 3.13 (PYTHON names it), a package index, 2 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.10}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet tensorflow-cpu==2.21.0
else
    "${PYTHON:-python3.10}" -m venv env
    env/bin/pip install --quiet tensorflow-cpu==2.21.0
fi

cat >ask.py <<'PYTHON'
import importlib.metadata
import math

import tensorflow as tf

print("tensorflow-cpu", importlib.metadata.version("tensorflow-cpu"))
for row in ([9.0, math.nan, 0.2], [0.0, 9.0, math.nan], [math.nan, 9.0, 0.2], [9.0, 0.1, 0.2, math.nan]):
    values, places = (part.numpy()[0].tolist() for part in tf.math.top_k(tf.constant([row]), 1))
    print(f"top_k({row}, 1): score {values[0]:.1f} at {places[0]}")
lost = {1: 0, 2: 0, 3: 0}
for size in range(2, 7):
    for nan in range(size):
        for best in set(range(size)) - {nan}:
            row = [place / 10 for place in range(size)]
            row[nan], row[best] = math.nan, 9.0
            for k in lost:
                if k <= size:
                    lost[k] += best not in tf.math.top_k(tf.constant([row]), k).indices.numpy()[0]
print("rows that lose their best item, by k:", lost)
row = tf.constant([[9.0, math.nan, 0.2]])
clean = tf.where(tf.math.is_finite(row), row, -math.inf)
print("filtered before:", tf.math.top_k(clean, 1).indices.numpy()[0].tolist())
PYTHON

TF_CPP_MIN_LOG_LEVEL=3 env/bin/python ask.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
tensorflow-cpu 2.21.0
top_k([9.0, nan, 0.2], 1): score 0.2 at 2
top_k([0.0, 9.0, nan], 1): score 0.0 at 0
top_k([nan, 9.0, 0.2], 1): score 9.0 at 1
top_k([9.0, 0.1, 0.2, nan], 1): score 9.0 at 0
rows that lose their best item, by k: {1: 30, 2: 0, 3: 0}
filtered before: [0]
SEEN
diff seen found && echo "As seen."
