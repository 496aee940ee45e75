#!/usr/bin/env bash
# Half precision on two devices: Keras' loss scaling looks at the gradients of the first replica only, and an overflow
# on the second one goes into the weights.
#
# Versions: keras 3.15.0 on tensorflow-cpu 2.21.0. Keras 3.12.4 on TensorFlow 2.16.2 did the same.
# Behaviour: under mixed_float16 `LossScaleOptimizer` is to skip a step whose gradients are not finite and to halve its
#   scale. Under MirroredStrategy it does where the first replica overflows, alone or with the other. Where only the
#   second one does, the step is taken: the weights become infinite, the scale stays, and `fit` says nothing.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 to 3.13 (PYTHON names it), a package index, 2 GB in the folder for temporary files. No GPU: the two
#   devices are logical ones of the CPU.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet keras==3.15.0 tensorflow-cpu==2.21.0
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet keras==3.15.0 tensorflow-cpu==2.21.0
fi

cat >train.py <<'PYTHON'
import importlib.metadata

import keras
import numpy as np
import tensorflow as tf

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("keras", "tensorflow-cpu")))
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
keras.mixed_precision.set_global_policy("mixed_float16")
for where, batch in {
    "neither replica": [1.0, 1.0],
    "both": [300.0, 300.0],
    "the first": [300.0, 1.0],
    "the second": [1.0, 300.0],
}.items():
    with strategy.scope():
        one = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        model = keras.Sequential([keras.Input((1,)), one])
        model.compile(optimizer=keras.optimizers.SGD(0.001), loss="mse")
    examples = np.array(batch, np.float32)[:, np.newaxis]  # one row for each replica
    model.fit(tf.data.Dataset.from_tensor_slices((examples, 0 * examples)).batch(2), verbose=0)
    weight, scale = (float(keras.ops.convert_to_numpy(each)) for each in (one.kernel[0, 0], model.optimizer.dynamic_scale))
    print(f"overflows: {where}; weight {weight:.3f}, scale {scale:.0f}")
PYTHON

TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 env/bin/python train.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
keras 3.15.0 tensorflow-cpu 2.21.0
overflows: neither replica; weight 0.998, scale 32768
overflows: both; weight 1.000, scale 16384
overflows: the first; weight 1.000, scale 16384
overflows: the second; weight -inf, scale 32768
SEEN
diff seen found && echo "As seen."
