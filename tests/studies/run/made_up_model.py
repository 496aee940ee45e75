"""A model whose weights are all drawn, and examples for it: what parity between a run and a study is tested with."""

from pathlib import Path

import keras
import numpy as np

from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from tests.pnfrec_keras.writing import evaluation_example, write_records

ITEMS, LENGTH, K = 30, 5, 6
_RANDOM = np.random.default_rng(0)
VOCABULARY = Vocabulary(
    *([f"i{number}" for number in range(ITEMS)], np.arange(ITEMS, 0, -1) + 9, _RANDOM.integers(1, 9, ITEMS))
)


def make_model() -> PNFRec:
    """No weight has the value that it begins with."""
    keras.utils.set_random_seed(6)
    made = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=K)
    weights = {name: _RANDOM.normal(size=value.shape) for name, value in get_named_weights(made).items()}
    weights["item_embedding"][0] = 0
    set_named_weights(made, weights)
    return made


def write_examples(folder: Path, users: int) -> None:
    """Examples of so many users, 16 or more, in two files; a third of the targets is liked."""
    written = []
    for user in range(users):
        drawn = [f"i{item}" for item in _RANDOM.permutation(ITEMS)[:8]]
        liked, disliked, target = drawn[:4], drawn[4 : 4 + user % 4], drawn[7]
        written.append(evaluation_example(liked, [*liked, *disliked], target, user % 3 == 0, f"u{user}"))
    for place, part in enumerate((written[:15], written[15:])):
        write_records(folder / f"data-{place}.gz", part)
