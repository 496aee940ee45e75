"""Files whose first rows are unlike those of all others: users and items swapped, or values on another scale.

Each row of such a file can be read, so that nothing else stops at it, and nothing but the other files tells.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from components.feedback.config import FeedbackConfig
from components.feedback.reading.columns import columns_of
from components.feedback.reading.files import is_remote
from components.feedback.reading.source import READ_ERRORS, Piece
from components.feedback.reading.swapped import Counts, Ids, crossing, misplaced
from pnfrec_columns.ids import decode_ids, hash_ids
from pnfrec_columns.values import decode_numbers
from pnfrec_core.errors import FeedbackError

_HASH_KEY: Final = "pnfrec.feedback3"
# The most files that are looked into, the last ones among them, and rows of each.
_MOST_FILES: Final = 256
_ROWS: Final = 4096
# Files with fewer usable rows tell nothing.
_LEAST_ROWS: Final = 30
# Of the values of a file, the share that may lie beyond those of most files; and of their span, the least part.
_BEYOND, _NARROW = 0.25, 0.1
# Files of one or two values are likes and dislikes apart, as often as not.
_LEAST_VALUES: Final = 3
_NAMED: Final = 3


@dataclasses.dataclass(frozen=True)
class Look:
    """The first rows of a file.

    Attributes:
        path: Of the file.
        ids: The users and the items.
        values: Those that are usable, in order; None where it has no such column.
    """

    path: str
    ids: Ids
    values: npt.NDArray[np.float64] | None


def unlike(pieces: Iterable[Piece], config: FeedbackConfig) -> Iterator[str]:
    """What is told of files that are unlike all others, a sentence a kind.

    Files in a store are not looked into, since each would be asked for once more.

    Args:
        pieces: Of the input.
        config: The columns.
    """
    firsts = {(piece.source.path, piece.event): piece for piece in pieces if not is_remote(piece.source.path)}
    chosen = list(firsts.values())
    step = -(-len(chosen) // _MOST_FILES)
    # The newest file, which is the last, is the one that nobody has looked at before.
    looks = [look for piece in chosen[::-1][:: max(step, 1)][::-1] if (look := _look(piece, config)) is not None]
    ids = [look.ids for look in looks]
    if apart := [looks[place].path for place in crossing(ids)]:
        yield (
            f"{_files(apart, len(looks))}: the users there are items of the other files, and the items users, by the "
            "first rows. The two columns seem to be swapped: correct the file, or its header or `feedback.names`."
        )
    elif alike := [looks[place].path for place in misplaced(ids)]:
        yield (
            f"{_files(alike, len(looks))}: by the first rows the ids of users come as often as those of items do in "
            "the other files, and the other way round. The two columns may be swapped: look at the file, and correct "
            "it, or its header or `feedback.names`."
        )
    yield from _other_scale([look for look in looks if look.values is not None])


def _look(piece: Piece, config: FeedbackConfig) -> Look | None:
    """The first rows of a file; None where they tell nothing. What cannot be read is told by who reads it."""
    names = columns_of(config, piece.event)
    has_values = not config.events and config.positive != "column"
    wanted = [names.user, names.item, *([names.value] if has_values else [])]
    with contextlib.suppress(FeedbackError, *READ_ERRORS):
        rows = {name: column[:_ROWS] for name, column in piece.source.first_rows(wanted).items()}
        # Folders may name a column, the same value in all rows.
        if rows.keys() >= set(wanted) and len(rows[names.user]) >= _LEAST_ROWS:
            ids = Ids(*(_counts(rows[name]) for name in (names.user, names.item)))
            values = None
            if has_values:
                numbers, bad = decode_numbers(rows[names.value], names.value)
                values = np.sort(numbers[~bad])
                values = values if len(values) >= _LEAST_ROWS else None
            return Look(piece.source.path, ids, values)
    return None


def _counts(column: Any) -> Counts:
    """The usable ids of a column."""
    ids, codes = decode_ids(column, "")
    present, counts = np.unique(codes[codes >= 0], return_counts=True)
    hashes = hash_ids(ids.take(present), _HASH_KEY)
    order = np.argsort(hashes)
    return Counts(hashes[order], counts[order].astype(np.float64))


def _other_scale(looks: Sequence[Look]) -> Iterator[str]:
    """What is told of files whose values lie beyond those of most files, or in a small part of their span."""
    spread = [look for look in looks if look.values is not None and len(np.unique(look.values)) >= _LEAST_VALUES]
    if len(spread) < 2:
        return
    spans = np.array([(look.values[0], look.values[-1]) for look in spread if look.values is not None])
    low, high = np.median(spans, axis=0)
    beyond = [float(np.mean((look.values < low) | (look.values > high))) for look in spread if look.values is not None]
    narrow = (spans[:, 1] - spans[:, 0]) <= _NARROW * (high - low)
    odd = np.flatnonzero((np.array(beyond) > _BEYOND) | narrow)
    if len(odd):
        named = [f"{spread[place].path} ({spans[place][0]:g} to {spans[place][1]:g})" for place in odd]
        # Of two files neither is most of them.
        most = f", where most files go from {low:g} to {high:g}" if 2 * len(odd) < len(spread) else ""
        yield (
            f"{_files(named, len(spread))}: the values seem to be on another scale than those of the other files"
            f"{most}, by the first rows, so that `feedback.positive` means something else there. Bring them to one."
        )


def _files(paths: Sequence[str], total: int) -> str:
    more = "" if len(paths) <= _NAMED else f" and {len(paths) - _NAMED:,} more"
    return f"{len(paths):,} of {total:,} files, {', '.join(paths[:_NAMED])}{more}"
