"""Exact order statistics of numbers that are spread over workers, by radix select.

Keys are 64-bit and order-preserving. Each of four rounds counts the next 16 bits of the keys that share the bits found
so far, so that no worker ever holds more than its own keys and histograms of at most 65,536 bins.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from apache_beam.pvalue import AsIter, AsSingleton

Keys = npt.NDArray[np.uint64]
# From how many keys there are to the ranks wanted, from 0. Picklable.
RankRule = Callable[[int], list[int]]

_ROUNDS = 4
_BITS = 16
_SIGN = np.uint64(1 << 63)


def integer_keys(values: npt.NDArray[np.int64]) -> Keys:
    return values.view(np.uint64) ^ _SIGN


def integer_of(key: int) -> int:
    return key - (1 << 63)


def float_keys(values: npt.NDArray[np.float64]) -> Keys:
    """Keys of finite floats (no -0.0): the sign bit is flipped, and of negative numbers every bit."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def float_of(key: int) -> float:
    bits = key ^ (1 << 63) if key >> 63 else key ^ ((1 << 64) - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])


def nearest_rank(quantile: float, count: int) -> list[int]:
    """The rank that `numpy.quantile(method="nearest")` takes: halves go to the even rank."""
    return [round((count - 1) * quantile)] if count else []


def middle_ranks(count: int) -> list[int]:
    """The ranks whose mean is the median."""
    return [(count - 1) // 2, count // 2] if count else []


def half_rank(count: int) -> list[int]:
    """The rank below which the smaller half lies."""
    return [count // 2] if count else []


@dataclasses.dataclass(frozen=True)
class _Cursor:
    """What is known of one wanted key: its upper bits, and its rank among the keys that share them."""

    prefix: int
    rank: int


_State = dict[str, list[_Cursor]]


class _Histogram(beam.DoFn):
    """(name, packed keys) to (name, prefix, bins, counts): how often each next digit follows each wanted prefix."""

    def __init__(self, round_: int) -> None:
        self._round = round_

    def process(self, element: tuple[str, bytes], state: Any) -> Iterator[tuple[str, int, bytes, bytes]]:
        name, packed = element
        keys = np.frombuffer(packed, np.uint64)
        shift = np.uint64(64 - _BITS * (self._round + 1))
        digits = keys >> shift
        prefixes = {cursor.prefix for cursor in state[name]} if self._round else {0}
        for prefix in sorted(prefixes):
            found = digits[digits >> np.uint64(_BITS) == np.uint64(prefix)]
            if found.size:
                counts = np.bincount((found & np.uint64((1 << _BITS) - 1)).astype(np.int64))
                bins = np.flatnonzero(counts)
                yield name, prefix, bins.tobytes(), counts[bins].tobytes()


def _advance(
    state: _State | None, histograms: Iterable[tuple[str, int, bytes, bytes]], rules: Mapping[str, RankRule]
) -> _State:
    """Finds the next 16 bits of each wanted key."""
    totals: dict[tuple[str, int], npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros(1 << _BITS, np.int64))
    for name, prefix, bins, counts in histograms:
        totals[name, prefix][np.frombuffer(bins, np.int64)] += np.frombuffer(counts, np.int64)
    if state is None:
        state = {name: [_Cursor(0, rank) for rank in rule(int(totals[name, 0].sum()))] for name, rule in rules.items()}
    found: _State = {}
    for name, cursors in state.items():
        found[name] = []
        for cursor in cursors:
            below = np.cumsum(totals[name, cursor.prefix])
            digit = int(np.searchsorted(below, cursor.rank, side="right"))
            rank = cursor.rank - (int(below[digit - 1]) if digit else 0)
            found[name].append(_Cursor(cursor.prefix << _BITS | digit, rank))
    return found


class SelectRanks(beam.PTransform):
    """Finds keys by rank.

    Takes (name, bytes of a uint64 array) elements; gives one dict of each name to the keys at the ranks that its rule
    asks for. No worker holds more than its own keys and the histograms.

    Args:
        rules: Name to rank rule. A name without keys gets what its rule gives for 0 keys.
    """

    def __init__(self, rules: Mapping[str, RankRule]) -> None:
        super().__init__()
        self._rules = dict(rules)

    def expand(self, pcoll: Any) -> Any:
        state: Any = pcoll.pipeline | "Once" >> beam.Create([None])
        for index in range(_ROUNDS):
            side = AsSingleton(state) if index else None
            histograms = pcoll | f"Count{index}" >> beam.ParDo(_Histogram(index), side)
            state = state | f"Advance{index}" >> beam.Map(_Advance(self._rules), AsIter(histograms))
        return state


@dataclasses.dataclass(frozen=True)
class _Advance:
    """Finds the next 16 bits of each wanted key."""

    rules: dict[str, RankRule]

    def __call__(self, state: Any, histograms: Iterable[tuple[str, int, bytes, bytes]]) -> Any:
        return _advance(state, histograms, self.rules)


def keys_of(state: dict[str, Any]) -> dict[str, list[int]]:
    """The keys by name, out of the element that `SelectRanks` gives."""
    return {name: [cursor.prefix for cursor in cursors] for name, cursors in state.items()}
