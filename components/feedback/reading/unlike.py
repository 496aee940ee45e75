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
from pnfrec_columns.ids import decode_ids, hash_ids
from pnfrec_columns.values import decode_numbers
from pnfrec_core.errors import FeedbackError

_HASH_KEY: Final = "pnfrec.feedback3"
# The most files that are looked into, the last ones among them, and rows of each.
_MOST_FILES: Final = 256
_ROWS: Final = 4096
# Files with fewer usable rows tell nothing.
_LEAST_ROWS: Final = 30
# Of the ids in a column: the most that may be at home there, and the least that have to be at home in the other one.
_STRANGE, _CROSSING = 0.01, 0.1
# Of the values of a file, the share that may lie beyond those of most files; and of their span, the least part.
_BEYOND, _NARROW = 0.25, 0.1
# Files of one or two values are likes and dislikes apart, as often as not.
_LEAST_VALUES: Final = 3
_NAMED: Final = 3

Hashes = npt.NDArray[np.uint64]


@dataclasses.dataclass(frozen=True)
class Look:
    """The first rows of a file.

    Attributes:
        path: Of the file.
        users, items: Hashes of the distinct ids.
        values: Those that are usable, in order; None where it has no such column.
    """

    path: str
    users: Hashes
    items: Hashes
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
    if swapped := _swapped(looks):
        yield (
            f"{_files(swapped, len(looks))}: the users there are items of the other files, and the items users, by the "
            "first rows. The two columns seem to be swapped: correct the file, or its header or `feedback.names`."
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
            users, items = (hash_ids(_ids(rows[name]), _HASH_KEY) for name in (names.user, names.item))
            values = None
            if has_values:
                numbers, bad = decode_numbers(rows[names.value], names.value)
                values = np.sort(numbers[~bad])
                values = values if len(values) >= _LEAST_ROWS else None
            return Look(piece.source.path, np.unique(users), np.unique(items), values)
    return None


def _ids(column: Any) -> Any:
    """The distinct usable ids of a column."""
    ids, codes = decode_ids(column, "")
    return ids.take(np.unique(codes[codes >= 0]))


def _swapped(looks: Sequence[Look]) -> list[str]:
    """The files whose users are items of the others, and whose items are users of the others, and nothing else."""
    if len(looks) < 2:
        return []
    users, of_users = np.unique(np.concatenate([look.users for look in looks]), return_counts=True)
    items, of_items = np.unique(np.concatenate([look.items for look in looks]), return_counts=True)

    def others(ids: Hashes, known: Hashes, counts: npt.NDArray[np.int64], own: Hashes) -> float:
        """The share of some ids that files but one hold in a column; `own` are the ids that this one holds there."""
        places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        held: npt.NDArray[np.int64] = np.where(known[places] == ids, counts[places], 0) - np.isin(ids, own)
        return float(np.mean(held > 0))

    found = []
    for look in looks:
        at_home = (
            others(look.users, users, of_users, look.users),
            others(look.items, items, of_items, look.items),
        )
        crossing = (
            others(look.users, items, of_items, look.items),
            others(look.items, users, of_users, look.users),
        )
        # Many users come once, and so do many items: one of the two columns has to tell, and the other not to deny it.
        if max(at_home) <= _STRANGE and max(crossing) >= _CROSSING and min(crossing) > 0:
            found.append(look.path)
    return found


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
