"""Dense layers that begin as those of the reference do (spec, section 3)."""

from typing import Any

import keras


def normal() -> keras.initializers.Initializer:
    """Normal(0, 0.02). A new instance each time: no two kernels share a seed, and the encoders start different."""
    return keras.initializers.RandomNormal(stddev=0.02)


def dense(width: int, name: str, **settings: Any) -> Any:
    """(..., any dim) to (..., width).

    Args:
        width: Of the result.
        name: Of the layer.
        settings: Of `keras.layers.Dense`.
    """
    return keras.layers.Dense(width, kernel_initializer=normal(), name=name, **settings)
