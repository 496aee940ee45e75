"""A small model and its batch, for tests of the network and its loss."""

from typing import Any

import keras
import numpy as np

from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.network.model import PNFRec

ITEMS, LENGTH, DIM = 9, 4, 6


def make_model(**settings: Any) -> PNFRec:
    keras.utils.set_random_seed(7)
    arguments = {
        "num_items": ITEMS,
        "max_length": LENGTH,
        "dim": DIM,
        "num_heads": 2,
        "dropout": 0.0,
        "k": 3,
        **settings,
    }
    model = PNFRec(**arguments)
    # At the initial scale everything is near zero and errors could hide.
    for variable in model.trainable_variables:
        if "item_embedding" not in variable.path:
            variable.assign(
                variable + np.random.default_rng(len(variable.shape)).normal(scale=0.3, size=variable.shape)
            )
    table = np.random.default_rng(1).normal(size=(ITEMS + 1, DIM))
    table[0] = 0
    model.item_embedding.embeddings.assign(table)
    return model


ARRAYS = TrainingArrays(
    positive=np.array([[1, 2, 3, 4, 5], [6, 7, 0, 0, 0], [8, 1, 2, 0, 0]], np.int32),
    negative=np.array([[9, 8, 0, 0, 0], [0, 0, 0, 0, 0], [3, 0, 0, 0, 0]], np.int32),
)
