"""What the kinds of blocks of an encoder share."""

from typing import Any

import keras


class Block(keras.layers.Layer):
    """The settings of a block.

    Args:
        dim: d, the width.
        num_heads: Of the attention; divides `dim`.
        dropout: Rate.
    """

    def __init__(self, dim: int, num_heads: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dim = dim
        self.num_heads = num_heads
        self.dropout = dropout

    @property
    def common(self) -> dict[str, Any]:
        """Settings of all its layers."""
        return {"dtype": self.dtype_policy}

    def get_config(self) -> dict[str, Any]:
        config = {"dim": self.dim, "num_heads": self.num_heads, "dropout": self.dropout}
        return {**super().get_config(), **config}
