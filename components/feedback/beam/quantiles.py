"""Exact order statistics of numbers that are spread over workers, by radix select.

Keys are 64-bit and order-preserving. Each of four rounds counts the next 16 bits of the keys that share the bits found
so far, so that no worker ever holds more than its own keys and histograms of at most 65,536 bins.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from apache_beam.pvalue import AsIter

from components.feedback.rules.ranks import RankRule

Keys = npt.NDArray[np.uint64]

_ROUNDS = 4
_BITS = 16
_SIGN = np.uint64(1 << 63)


def integer_keys(values: npt.NDArray[np.int64]) -> Keys:
    keys: Keys = values.view(np.uint64) ^ _SIGN
    return keys


def integer_of(key: int) -> int:
    return key - (1 << 63)


def float_keys(values: npt.NDArray[np.float64]) -> Keys:
    """Keys of finite floats (no -0.0): the sign bit is flipped, and of negative numbers every bit."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def float_of(key: int) -> float:
    bits = key ^ (1 << 63) if key >> 63 else key ^ ((1 << 64) - 1)
    return float(np.array([bits], np.uint64).view(np.float64)[0])


class Histogram(NamedTuple):
    """How often each next digit follows one prefix among the keys of one worker.

    Attributes:
        name: Of the keys.
        prefix: The bits that the counted keys share.
        bins: int64 array, as bytes: the digits that occur.
        counts: int64 array, as bytes: how often each.
        wanted: (prefix, rank among the keys that share it) of each key that is looked for; None in the first round,
            where the number of keys is not known yet.
    """

    name: str
    prefix: int
    bins: bytes
    counts: bytes
    wanted: list[tuple[int, int]] | None


class _Count(beam.DoFn):
    """(name, packed keys) to the histograms of one round, which follow from those of the round before."""

    def __init__(self, round_: int, rules: dict[str, RankRule]) -> None:
        self._round, self._rules = round_, rules
        self._wanted: dict[str, list[tuple[int, int]]] | None = None

    def start_bundle(self) -> None:
        self._wanted = None

    def process(self, element: tuple[str, bytes], before: Any = ()) -> Iterator[Any]:
        name, packed = element
        if self._round and self._wanted is None:
            self._wanted = _advance(before, self._rules)
        wanted = self._wanted[name] if self._wanted else None
        digits = np.frombuffer(packed, np.uint64) >> np.uint64(64 - _BITS * (self._round + 1))
        for prefix in sorted({prefix for prefix, _ in wanted or [(0, 0)]}):
            found = digits[digits >> np.uint64(_BITS) == np.uint64(prefix)]
            if found.size:
                counts = np.bincount((found & np.uint64((1 << _BITS) - 1)).astype(np.int64))
                bins = np.flatnonzero(counts)
                yield Histogram(name, prefix, bins.tobytes(), counts[bins].tobytes(), wanted)


def _advance(histograms: Iterable[Histogram], rules: Mapping[str, RankRule]) -> dict[str, list[tuple[int, int]]]:
    """The wanted keys of each name with the digit more that the histograms of all workers tell."""
    totals: dict[tuple[str, int], npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros(1 << _BITS, np.int64))
    wanted: dict[str, list[tuple[int, int]] | None] = {}
    for name, prefix, bins, counts, before in histograms:
        totals[name, prefix][np.frombuffer(bins, np.int64)] += np.frombuffer(counts, np.int64)
        wanted[name] = before
    found: dict[str, list[tuple[int, int]]] = {}
    for name, pairs in wanted.items():
        found[name] = []
        for prefix, rank in pairs or [(0, rank) for rank in rules[name](int(totals[name, 0].sum()))]:
            below = np.cumsum(totals[name, prefix])
            digit = int(np.searchsorted(below, rank, side="right"))
            found[name].append((prefix << _BITS | digit, rank - (int(below[digit - 1]) if digit else 0)))
    return found


class SelectRanks(beam.PTransform):
    """Finds keys by rank.

    Takes (name, bytes of a uint64 array) elements and gives the histograms of the last round, out of which `keys_of`
    reads the keys. No worker holds more than its own keys and the histograms.

    Args:
        rules: Name to rank rule.
    """

    def __init__(self, rules: Mapping[str, RankRule]) -> None:
        super().__init__()
        self._rules = dict(rules)

    def expand(self, pcoll: Any) -> Any:
        histograms = pcoll | "Count0" >> beam.ParDo(_Count(0, self._rules))
        for index in range(1, _ROUNDS):
            histograms = pcoll | f"Count{index}" >> beam.ParDo(_Count(index, self._rules), AsIter(histograms))
        return histograms


def keys_of(histograms: Iterable[Histogram], rules: Mapping[str, RankRule]) -> dict[str, list[int]]:
    """The keys that `SelectRanks(rules)` has found, by name; none for a name without keys."""
    found = _advance(histograms, rules)
    return {name: [key for key, _ in found.get(name, [])] for name in rules}
