"""The catalogue of a model: item ids, how often each occurred, and titles. Needs numpy only."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pnfrec_core import schema


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Items of a catalogue, the most frequent first. The item at place i has the index i + 1 in the model.

    Attributes:
        item_ids: N raw ids, distinct and not empty.
        counts: Training interactions of each item, shape (N,).
        positive_counts: The positive ones among them, shape (N,).
        titles: Raw id to title, for display; may lack items.
        recent_positive_counts: Those of the last days of training, shape (N,); None where nobody counted them.
        groups: Raw id to its group (category, brand, artist), of which a query may cap how many come back; may lack
            items.
    """

    item_ids: Sequence[str]
    counts: npt.NDArray[np.int64]
    positive_counts: npt.NDArray[np.int64]
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    recent_positive_counts: npt.NDArray[np.int64] | None = None
    groups: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.item_ids:
            msg = "The item vocabulary is empty: there is nothing to recommend."
            raise ValueError(msg)
        if len(set(self.item_ids)) != len(self.item_ids) or "" in self.item_ids:
            msg = "Item ids of a vocabulary must be distinct and not empty."
            raise ValueError(msg)
        if others := [item_id for item_id in self.item_ids if not isinstance(item_id, str)]:
            msg = f"Item ids of a vocabulary must be text. Received: {others[0]!r}."
            raise ValueError(msg)
        if not len(self.item_ids) == len(self.counts) == len(self.positive_counts):
            msg = (
                "A vocabulary needs a count and a positive count for each item. Received: "
                f"{len(self.item_ids)} ids, {len(self.counts)} counts, {len(self.positive_counts)} positive counts."
            )
            raise ValueError(msg)

        self._check_counts()
        recent = self.recent_positive_counts
        if recent is not None and (len(recent) != len(self.item_ids) or not (np.asarray(recent) >= 0).all()):
            msg = "A vocabulary with recent positive counts needs one for each item, of 0 or more."
            raise ValueError(msg)

    def _check_counts(self) -> None:
        """Raises a ValueError unless they can be counts, and stand in their order: buckets of popularity go by it."""
        counts, positive = np.asarray(self.counts), np.asarray(self.positive_counts)
        if not ((positive >= 0) & (counts >= positive)).all():
            place = int(np.argmin((positive >= 0) & (counts >= positive)))
            msg = (
                f"The item {self.item_ids[place]!r} of the vocabulary must occur as often as it is liked, or more. "
                f"Received: {counts[place]} and {positive[place]}."
            )
            raise ValueError(msg)
        if (rises := np.flatnonzero(counts[1:] > counts[:-1])).size:
            place = int(rises[0]) + 1
            msg = (
                f"A vocabulary has the most frequent item first. Received: {self.item_ids[place]!r}, which occurs "
                f"{counts[place]} times, after {self.item_ids[place - 1]!r} with {counts[place - 1]}. "
                "`Vocabulary.from_interactions` sorts them."
            )
            raise ValueError(msg)

    def __len__(self) -> int:
        return len(self.item_ids)

    def popularity(self) -> npt.NDArray[np.float32]:
        """Positive training interactions by item index, (N + 1,): what histories without a known item are ranked by."""
        return np.concatenate([[0], self.positive_counts]).astype(np.float32)

    def index(self) -> dict[str, int]:
        """Raw id to index, from 1."""
        return {item_id: place for place, item_id in enumerate(self.item_ids, start=1)}

    def group_names(self) -> list[str]:
        """The group of each item by its index, N + 1 names; "" for none, and for padding.

        >>> Vocabulary(["a", "b"], np.array([2, 1]), np.array([1, 1]), groups={"b": "drama"}).group_names()
        ['', '', 'drama']
        """
        return ["", *(self.groups.get(item_id, "") for item_id in self.item_ids)]

    def group_numbers(self) -> npt.NDArray[np.int64]:
        """The group of each item by its index as a number, (N + 1,): the names count from 1 in their order, none is 0.

        >>> Vocabulary(["a", "b"], np.array([2, 1]), np.array([1, 1]), groups={"b": "drama"}).group_numbers().tolist()
        [0, 0, 1]
        """
        numbers: npt.NDArray[np.int64] = np.unique(self.group_names(), return_inverse=True)[1].astype(np.int64)
        return numbers  # the first name is "", that of padding

    @classmethod
    def from_interactions(
        cls, item_ids: Iterable[str], positive: Iterable[bool], titles: Mapping[str, str] | None = None
    ) -> "Vocabulary":
        """Counts interactions; the most frequent item first, equal counts in the order of the ids' code points.

        >>> vocabulary = Vocabulary.from_interactions(["b", "a", "c", "c"], [True, False, True, False])
        >>> vocabulary.index(), vocabulary.positive_counts.tolist()
        ({'c': 1, 'a': 2, 'b': 3}, [1, 0, 1])
        """
        counts: dict[str, int] = {}
        positive_counts: dict[str, int] = {}
        for item_id, is_positive in zip(item_ids, positive, strict=True):
            counts[item_id] = counts.get(item_id, 0) + 1
            positive_counts[item_id] = positive_counts.get(item_id, 0) + int(is_positive)
        order = sorted(counts, key=lambda item_id: (-counts[item_id], item_id))
        return cls(
            order,
            np.array([counts[item_id] for item_id in order], dtype=np.int64),
            np.array([positive_counts[item_id] for item_id in order], dtype=np.int64),
            titles or {},
        )

    @classmethod
    def read(cls, path: str | Path) -> "Vocabulary":
        """Reads `items.jsonl`.

        Raises:
            ValueError: A line is not a record of the vocabulary; the message names file and line.
        """
        item_ids: list[str] = []
        counts: list[int] = []
        positive_counts: list[int] = []
        recent: list[int] = []
        titles: dict[str, str] = {}
        groups: dict[str, str] = {}
        with Path(path).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    item_ids.append(record[schema.VOCABULARY_ID])
                    counts.append(record[schema.VOCABULARY_COUNT])
                    positive_counts.append(record[schema.VOCABULARY_POSITIVE_COUNT])
                    # All lines have it, or none: the first decides.
                    if number == 1 or recent:
                        recent += _optional(record, schema.VOCABULARY_RECENT_POSITIVE_COUNT, needed=bool(recent))
                except (ValueError, KeyError, TypeError) as error:
                    msg = f"{path}, line {number}: not a record of a vocabulary ({error!r}). Received: {line[:100]!r}."
                    raise ValueError(msg) from error
                if schema.VOCABULARY_TITLE in record:
                    titles[item_ids[-1]] = record[schema.VOCABULARY_TITLE]
                if schema.VOCABULARY_GROUP in record:
                    groups[item_ids[-1]] = record[schema.VOCABULARY_GROUP]
        of_late = np.array(recent, dtype=np.int64) if recent else None
        return cls(item_ids, np.array(counts, np.int64), np.array(positive_counts, np.int64), titles, of_late, groups)

    def write(self, path: str | Path) -> None:
        """Writes `items.jsonl`."""
        with Path(path).open("w", encoding="utf-8") as lines:
            for place, item_id in enumerate(self.item_ids):
                record: dict[str, str | int] = {
                    schema.VOCABULARY_ID: item_id,
                    schema.VOCABULARY_COUNT: int(self.counts[place]),
                    schema.VOCABULARY_POSITIVE_COUNT: int(self.positive_counts[place]),
                }
                if self.recent_positive_counts is not None:
                    record[schema.VOCABULARY_RECENT_POSITIVE_COUNT] = int(self.recent_positive_counts[place])
                for name, known in ((schema.VOCABULARY_TITLE, self.titles), (schema.VOCABULARY_GROUP, self.groups)):
                    if item_id in known:
                        record[name] = known[item_id]
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")


def _optional(record: Mapping[str, int], name: str, *, needed: bool) -> list[int]:
    return [record[name]] if needed or name in record else []
