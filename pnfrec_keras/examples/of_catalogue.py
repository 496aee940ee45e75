"""Whether arrays of item indices are of the catalogue of a model."""

from typing import Any

import numpy as np
import numpy.typing as npt

from pnfrec_keras.examples.arrays import EvaluationArrays


def check_items(items: npt.NDArray[Any], num_items: int, what: str, who: str = "the model has") -> None:
    """Raises a ValueError where some of the indices are of no item: a GPU would read zeros for them without a word.

    Args:
        items: Indices, of any shape; 0 is padding.
        num_items: Size of the model's catalogue.
        what: What holds them, for the message.
        who: Whose catalogue it is, for the message.
    """
    if items.size and not (int(items.min()) >= 0 and int(items.max()) <= num_items):
        msg = (
            f"{what} hold the items {int(items.min())} to {int(items.max())}, and {who} the items 1 to "
            f"{num_items} (0 is padding): make the model with the size of the vocabulary that the data was read with, "
            "`PNFRec(len(vocabulary))`."
        )
        raise ValueError(msg)


def check_examples(examples: EvaluationArrays, num_items: int, who: str = "the model has") -> None:
    """`check_items` of all that evaluation examples hold."""
    check_items(examples.positive, num_items, "The histories of the examples", who)
    check_items(examples.target, num_items, "The targets of the examples", who)
    if len(examples.seen):
        check_items(np.concatenate(examples.seen), num_items, "The seen items of the examples", who)
