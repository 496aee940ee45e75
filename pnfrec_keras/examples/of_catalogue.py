"""Whether arrays of item indices are what a model reads: of its catalogue, of one length, padded on the right."""

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


def check_padding(items: npt.NDArray[Any], what: str) -> None:
    """Raises a ValueError where padding stands before an item: the last item would be looked for at another place."""
    late = ((items[:, :-1] == 0) & (items[:, 1:] > 0)).any(axis=1)
    if late.any():
        row = int(np.argmax(late))
        msg = (
            f"{what} must be padded on the right, the oldest item first: `[4, 9, 0, 0]`. Received, in row {row}: "
            f"{items[row].tolist()}. `keras.utils.pad_sequences` needs `padding='post'`."
        )
        raise ValueError(msg)


def check_examples(examples: EvaluationArrays, num_items: int, who: str = "the model has") -> None:
    """Raises a ValueError unless all arrays are of as many examples, of whole numbers, and `check_items` holds."""
    sizes = {name: len(getattr(examples, name)) for name in ("positive", "seen", "target", "is_positive")}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{size} in `{name}`" for name, size in sizes.items())
        msg = f"The arrays of EvaluationArrays must hold as many examples each. Received: {told}."
        raise ValueError(msg)
    seen = [np.asarray(row) for row in examples.seen]
    _check_kind("positive", [np.asarray(examples.positive)], 2)
    _check_kind("target", [np.asarray(examples.target)], 1)
    _check_kind("seen", [row for row in seen if row.size], 1)
    flags = examples.is_positive
    if not isinstance(flags, np.ndarray) or flags.ndim != 1 or not np.isin(flags, (0, 1)).all():
        msg = (
            "`is_positive` of EvaluationArrays must be an array of 1 for liked targets and 0 for disliked ones. "
            f"Received: {flags!r:.200}"
        )
        raise ValueError(msg)
    check_padding(examples.positive, "The histories of the examples")
    check_items(examples.positive, num_items, "The histories of the examples", who)
    check_items(examples.target, num_items, "The targets of the examples", who)
    if seen:
        check_items(np.concatenate(seen), num_items, "The seen items of the examples", who)


def _check_kind(name: str, arrays: list[npt.NDArray[Any]], dimensions: int) -> None:
    for array in arrays:
        if array.ndim != dimensions or not np.issubdtype(array.dtype, np.integer):
            msg = (
                f"`{name}` of EvaluationArrays must hold item indices, whole numbers in {dimensions} dimension(s). "
                f"Received: {array.dtype} in {array.ndim}."
            )
            raise ValueError(msg)
