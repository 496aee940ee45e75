"""Rows that stand for others: those beside equal ones, and one of a kind in words."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.feedback.reading.columns import Columns
from pnfrec_columns.arrays import Mask
from pnfrec_columns.units import time_text


def beside_equal(user: npt.NDArray[np.int32], time: npt.NDArray[np.int64]) -> Mask:
    """Which rows, in order, have the user and the time of the row before or after."""
    equal = (user[1:] == user[:-1]) & (time[1:] == time[:-1])
    beside: Mask = np.append(equal, False) | np.insert(equal, 0, False)
    return beside


def row_examples(table: Columns, masks: Mapping[str, Mask], unit: str | None) -> dict[str, str]:
    return {name: row_text(table, int(np.argmax(mask)), unit) for name, mask in masks.items() if mask.any()}


def row_text(table: Columns, row: int, unit: str | None) -> str:
    """A row for a reader."""
    user, item = table.users[int(table.user[row])].as_py(), table.items[int(table.item[row])].as_py()
    time = int(table.time[row])
    return f"user {user!r}, item {item!r}, {time_text(time, unit) or f'time {time}'}"
