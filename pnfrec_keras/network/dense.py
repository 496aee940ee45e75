"""Dense layers that begin as those of the reference do (spec, section 3)."""

from typing import Any

import keras


def normal(stddev: float = 0.02) -> keras.initializers.Initializer:
    """Normal(0, stddev). A new instance each time: no two kernels share a seed, and the encoders start different."""
    return keras.initializers.RandomNormal(stddev=stddev)


def dense(width: int, name: str, **settings: Any) -> Any:
    """(..., any dim) to (..., width).

    Args:
        width: Of the result.
        name: Of the layer.
        settings: Of `keras.layers.Dense`.
    """
    return keras.layers.Dense(width, kernel_initializer=normal(), name=name, **settings)
