"""The measures that a study asks for beside those of the ranks: what a dislike does, and what came later.

Trials keep what each target brings into them, so that any two arms can be compared on the targets that both have.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pnfrec_core import later, responses
from pnfrec_core.later import Parts
from studies.outputs import LATER_LENGTH, LATER_LISTED

Floats = npt.NDArray[np.float64]

# As the tables have them, one table a group.
TABLES: Final = (responses.MEASURES, later.MEASURES)
FURTHER: Final = tuple(name for names in TABLES for name in names)
# What is kept of each target.
KEPT: Final = (*responses.MEASURES, LATER_LISTED, LATER_LENGTH)


def known(kept: Mapping[str, Any]) -> tuple[str, ...]:
    """The measures that can be told from what is kept."""
    names = [name for name in responses.MEASURES if name in kept]
    return (*names, *(later.MEASURES if LATER_LISTED in kept else ()))


def parts(
    name: str, kept: Mapping[str, npt.NDArray[Any]], user: npt.NDArray[Any], is_positive: npt.NDArray[np.int64]
) -> list[Parts]:
    """What each target brings into a measure, by each training.

    Args:
        name: One of `known(kept)`.
        kept: (seeds, T) each.
        user: (T,), whose each target is.
        is_positive: (T,), by the rule of polarity that groups the targets; what a dislike does is told of the targets
            that the arm's own rule calls disliked.
    """
    if name in later.MEASURES:
        rows = zip(kept[LATER_LISTED], kept[LATER_LENGTH], strict=True)
        return [later.parts(name, listed, length, user, is_positive) for listed, length in rows]
    values = kept[name].astype(np.float64)
    finite = np.isfinite(values)
    return [Parts(*pair) for pair in zip(np.where(finite, values, 0.0), finite.astype(np.float64), strict=True)]


def value(name: str, found: Parts) -> float:
    """The measure of one training; NaN where no target has a part in it."""
    return later.mean_of(name, found)


def higher_is_better(name: str) -> bool:
    """Which way one of `FURTHER` is better."""
    return later.higher_is_better(name) if name in later.MEASURES else responses.higher_is_better(name)
