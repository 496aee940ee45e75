"""Holds the rows of a source against what those of the published data set hold, so that another file is known."""

import datetime
from typing import Any, Final

import pyarrow as pa
from pyarrow import compute as pc

from pnfrec_data.dataset import Contract
from pnfrec_data.errors import DataError

# With fewer rows the values may happen to lie close together.
_LEAST_ROWS: Final = 50
_MEND: Final = "Correct the row, or get the file anew."


class Checked:
    """Holds tables against a contract, one after another.

    Args:
        contract: Of the data set.
        where: The source, for messages.
    """

    def __init__(self, contract: Contract, where: str) -> None:
        self._contract, self._where = contract, where
        self._rows = self._missing = 0
        self._least, self._most = float("inf"), float("-inf")
        self._times: tuple[int, int] | None = None
        if contract.years is not None:
            ticks = 1000 if contract.milliseconds else 1
            first, last = contract.years
            self._times = _begin(first) * ticks, _begin(last + 1) * ticks

    def add(self, table: pa.Table) -> None:
        """Checks the next rows: user, item, value and timestamp.

        Raises:
            DataError: A row is not as published.
        """
        for name, pattern in (("user", self._contract.user), ("item", self._contract.item)):
            ids = table[name]
            self._check(table, name, pc.match_substring_regex(ids, f"^(?:{pattern})$"), f"an id like {pattern}")
        low, high = self._contract.values
        value = table["value"]
        nothing = pc.is_null(value, nan_is_null=True)
        good = pc.and_(pc.greater_equal(value, low), pc.less_equal(value, high))
        if self._contract.missing:
            good = pc.or_(pc.fill_null(good, False), nothing)
        self._check(table, "value", good, f"a number from {low:g} to {high:g}")
        if self._times is not None:
            time = table["timestamp"]
            in_time = pc.and_(pc.greater_equal(time, self._times[0]), pc.less(time, self._times[1]))
            unit = "milliseconds" if self._contract.milliseconds else "seconds"
            first, last = self._contract.years or (0, 0)
            self._check(table, "timestamp", in_time, f"{unit} since 1970 of the years {first} to {last}")
        self._rows += table.num_rows
        self._missing += int(pc.sum(nothing).as_py() or 0)
        ends = pc.min_max(value.filter(pc.invert(nothing))).as_py()
        if ends["min"] is not None:
            self._least, self._most = min(self._least, ends["min"]), max(self._most, ends["max"])

    def finish(self) -> None:
        """Checks what only all rows together tell.

        Raises:
            DataError: Too many have no value, or the values are on another scale.
        """
        if self._rows >= _LEAST_ROWS and self._missing > self._contract.missing * self._rows:
            msg = f"{self._where}: {self._missing:,} of {self._rows:,} rows have no value. Get the file anew."
            raise DataError(msg)
        low, high = self._contract.values
        if self._contract.spread and self._rows >= _LEAST_ROWS and self._most - self._least < (high - low) / 2:
            msg = (
                f"{self._where}: expected values that go from {low:g} to {high:g}. All {self._rows:,} lie from "
                f"{self._least:g} to {self._most:g}: a part of the file, or another scale or another file. Get it anew."
            )
            raise DataError(msg)

    def _check(self, table: pa.Table, column: str, good: Any, expected: str) -> None:
        bad = pc.index(pc.fill_null(good, False), pa.scalar(False)).as_py()
        if bad >= 0:
            found = {name: table[name][bad].as_py() for name in table.column_names}
            msg = (
                f"{self._where}: expected {expected} in the column {column}. Received {found[column]!r}, in the row "
                f"{self._rows + bad + 1:,} that is written: {found}. {_MEND}"
            )
            raise DataError(msg)


def _begin(year: int) -> int:
    return int(datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
