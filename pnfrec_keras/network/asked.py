"""Whether what a script asks scores for is a history that the network can read."""

from typing import Any

import numpy as np
import tensorflow as tf

from pnfrec_keras.examples.of_catalogue import check_items, check_padding

Tensor = Any


def readable(history: Any, num_items: int, length: int) -> Tensor:
    """The history as a tensor.

    Args:
        history: Item indices, (batch, at most `length`).
        num_items: Size of the catalogue.
        length: How many items the network reads.

    Raises:
        ValueError: It has another shape or another type, is padded on the left, or holds what is no item.
    """
    items = np.asarray(history)
    if items.ndim != 2 or not np.issubdtype(items.dtype, np.integer) or items.shape[1] > length:
        msg = (
            f"Histories must hold item indices, whole numbers of the shape (batch, {length} or less), the last items "
            f"of each user. Received: {items.dtype} of the shape {items.shape}."
        )
        raise ValueError(msg)
    check_items(items, num_items, "The histories")
    check_padding(items, "The histories")
    return tf.convert_to_tensor(history if tf.is_tensor(history) else items)
