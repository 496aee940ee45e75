"""That the graphs of tests that are over are let go."""

import gc
import weakref
from typing import Any

import tensorflow as tf

from tests.support.memory import let_go


def test_a_traced_gradient_is_let_go() -> None:
    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def double(x: Any) -> Any:
        return 2 * x, lambda above: 2 * above

    traced = tf.function(lambda x: double(x)).get_concrete_function(tf.TensorSpec([]))
    graph = weakref.ref(traced.graph)
    del traced
    gc.collect()
    assert graph() is not None, "TensorFlow itself keeps it; else `let_go` is not needed any more"
    let_go()
    assert graph() is None
