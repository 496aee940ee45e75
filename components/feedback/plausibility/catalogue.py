"""What is known of the items of training when everything has been counted."""

import dataclasses
from collections.abc import Mapping

import pyarrow as pa

from components.feedback.reading.titles import ItemTitles


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The items of training.

    Attributes:
        ids: In the order of the vocabulary.
        counts: Training rows of each.
        liked: Positive training rows, by item.
        titles: The titles that were read.
    """

    ids: pa.Array
    counts: pa.Array
    liked: Mapping[str, int]
    titles: ItemTitles
