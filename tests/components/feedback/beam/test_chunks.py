"""Columns on their way: narrow, and exactly what they were afterwards."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.beam.chunks import narrow, pack, unpack, widen


@given(st.lists(st.integers(0, 2**62)), st.integers(-(2**62), 0))
def test_integers_come_back(values: list[int], base: int) -> None:
    column = np.array(values, np.int64) + base
    back = widen(unpack(pack(narrow(column))))
    assert (back.dtype, back.tolist()) == (np.dtype(np.int64), column.tolist())


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_floats_come_back(values: list[float]) -> None:
    back = widen(unpack(pack(narrow(np.array(values, np.float64)))))
    assert (back.dtype, back.tolist()) == (np.dtype(np.float64), values)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (np.array([7, 7], np.int32), np.uint8),
        (np.array([-1, 254], np.int64), np.uint8),
        (np.array([-1, 255], np.int64), np.uint16),
        (np.array([10**18, 10**18 + 2**32 - 1]), np.uint32),
        (np.array([0, 2**32]), np.uint64),
        (np.array([0.5, -3.0, 1e20]).astype(np.float32).astype(np.float64), np.float32),
        (np.array([0.1, 0.5]), np.float64),
        (np.array([1e300]), np.float64),
    ],
)
def test_columns_become_narrow(column: Any, kind: Any) -> None:
    assert narrow(column).values.dtype == kind
