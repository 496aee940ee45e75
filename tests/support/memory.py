"""Keeps a process of tests small, and its collector of garbage quick.

TensorFlow and TFX make some 600,000 objects when they are imported, and each traced function thousands. A full
collection looks at all that live, for a second and more late in a run.
"""

import gc
import sys
from typing import Any


def settle() -> None:
    """What the imports made stays for good: no collection looks at it again. The others come when a file is done."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def let_go() -> None:
    """Frees the traced functions of tests that are over.

    `tf.custom_gradient` enters each gradient that it traces into a table of TensorFlow's, by a name of its own, and
    nothing takes it out again: the whole graph of each training step would stay.
    """
    ops: Any = sys.modules.get("tensorflow.python.framework.ops")
    if ops is None:
        return
    entered: dict[str, Any] = getattr(ops.gradient_registry, "_registry", {})
    for name in [name for name in entered if name.startswith("CustomGradient-")]:
        del entered[name]
    gc.collect()
