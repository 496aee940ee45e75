"""Which versions are loaded, and which of them answers whom. Standard library only."""

import dataclasses
import hashlib
from collections.abc import Container, Iterable, Mapping
from typing import Final, NamedTuple

from pnfrec_core.model_marks import CANARY, STABLE, Marks

_HASH_BYTES: Final = 8


class Plan(NamedTuple):
    """What a server is to load, by marks and settings.

    Attributes:
        fixed: The version that answers whoever asks for none, if it is there and loads; None leaves it to `pool`.
        pool: Versions to take that one from, the first that loads, and to fill up to `most`.
        most: How many versions of the pool, with the fixed one, are kept loaded.
        labels: The version of each label.
    """

    fixed: int | None
    pool: tuple[int, ...]
    most: int
    labels: Mapping[str, int]


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the settings of a server say about versions; the marks beside the versions say the rest.

    Attributes:
        latest: How many of the newest versions are loaded; 0 for all.
        specific: Only these versions are loaded, where there are any; the greatest answers whoever asks for none.
        labels: Labels beside those of the marks, which count more.
        canary_share: Share of users, by their key, who get the version labelled `canary` and ask for none.
    """

    latest: int = 1
    specific: tuple[int, ...] = ()
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)
    canary_share: float = 0.0

    def plan(self, found: Iterable[int], marks: Marks) -> Plan:
        """What to load of the versions that are there. Bad ones never are."""
        good = marks.good(found)
        labels = {**self.labels, **{name: mark.version for name, mark in marks.labels.items()}}
        fixed = marks.pinned.version if marks.pinned is not None and marks.pinned.version in good else None
        if fixed is None and self.canary_share and labels.get(STABLE) in good:
            fixed = labels[STABLE]
        pool = tuple(version for version in good if not self.specific or version in self.specific)
        most = len(pool) + 1 if self.specific or not self.latest else self.latest
        return Plan(fixed, pool, most, {name: version for name, version in labels.items() if version not in marks.bad})


def labels_meanwhile(before: Mapping[str, int], wanted: Mapping[str, int], loaded: Container[int]) -> dict[str, int]:
    """The labels while versions load: one stays where it is until the version that it is to name is there.

    Args:
        before: The version of each label until now.
        wanted: Those of the plan.
        loaded: The versions in memory.
    """
    return {label: version if version in loaded else before.get(label, version) for label, version in wanted.items()}


def wants_canary(user_key: str, share: float) -> bool:
    """Whether a user is of the share that gets the canary. The same user always is, on every server.

    Who is of a share is of every greater one too; who gives no key is of none.
    """
    return bool(user_key) and place_of(user_key) < share


def place_of(user_key: str) -> float:
    """Where a user stands between 0 and 1: evenly spread, and the same wherever it is asked."""
    digest = hashlib.sha256(f"{CANARY}:{user_key}".encode("utf-8", "surrogatepass")).digest()
    # 53 bits, so that the quotient is exact, and never rounded to 1.
    return (int.from_bytes(digest[:_HASH_BYTES], "big") >> 11) / (1 << 53)
