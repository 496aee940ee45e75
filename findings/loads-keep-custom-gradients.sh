#!/usr/bin/env bash
# A SavedModel whose layers have custom gradients: each tf.saved_model.load keeps graphs that nothing gives back.
#
# Versions: tensorflow-cpu 2.21.0.
# Behaviour: by default tf.saved_model.save stores the gradient functions of tf.custom_gradient, also in an export that
#   only serves. Each load then registers them for the life of the process: with 30 of them, objects grow with every load
#   of the same folder, after the loaded model is gone and garbage is collected. Saved with
#   SaveOptions(experimental_custom_gradients=False), the same model leaves almost nothing. A server or a gate that
#   loads a new model every day grows by it.
# Output: the lines SEEN at the end of this file. The script prints what it finds, and fails where that differs.
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
import gc
import importlib.metadata

import tensorflow as tf


@tf.custom_gradient
def double(values):
    return 2.0 * values, lambda upstream: 2.0 * upstream


class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def serve(self, values):
        for _ in range(30):
            values = double(values)
        return values


print("tensorflow-cpu", importlib.metadata.version("tensorflow-cpu"))
for stored in (True, False):
    folder = f"model-{stored}"
    tf.saved_model.save(Model(), folder, options=tf.saved_model.SaveOptions(experimental_custom_gradients=stored))
    counts = []
    for _ in range(6):
        loaded = tf.saved_model.load(folder)
        del loaded
        gc.collect()
        gc.collect()
        counts.append(len(gc.get_objects()))
    # The first loads make what later ones share.
    growth = [after - before for before, after in zip(counts[2:], counts[3:])]
    told = "more than 1,000 objects" if min(growth) > 1000 else "fewer than 100 objects" if max(growth) < 100 else growth
    print(f"custom gradients stored: {stored}; each load leaves {told}")
PYTHON

TF_CPP_MIN_LOG_LEVEL=3 env/bin/python ask.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
tensorflow-cpu 2.21.0
custom gradients stored: True; each load leaves more than 1,000 objects
custom gradients stored: False; each load leaves fewer than 100 objects
SEEN
diff seen found && echo "As seen."
