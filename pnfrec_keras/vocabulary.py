"""The catalogue of a model: item ids, how often each occurred, and titles. Needs numpy only."""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pnfrec_keras import schema


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Items of a catalogue, the most frequent first. The item at place i has the index i + 1 in the model.

    Attributes:
        item_ids: N raw ids, distinct and not empty.
        counts: Training interactions of each item, shape (N,).
        positive_counts: The positive ones among them, shape (N,).
        titles: Raw id to title, for display; may lack items.
    """

    item_ids: Sequence[str]
    counts: npt.NDArray[np.int64]
    positive_counts: npt.NDArray[np.int64]
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.item_ids:
            msg = "The item vocabulary is empty: there is nothing to recommend."
            raise ValueError(msg)
        if len(set(self.item_ids)) != len(self.item_ids) or "" in self.item_ids:
            msg = "Item ids of a vocabulary must be distinct and not empty."
            raise ValueError(msg)
        if not len(self.item_ids) == len(self.counts) == len(self.positive_counts):
            msg = (
                "A vocabulary needs a count and a positive count for each item. Received: "
                f"{len(self.item_ids)} ids, {len(self.counts)} counts, {len(self.positive_counts)} positive counts."
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

    @classmethod
    def from_interactions(
        cls, item_ids: Iterable[str], positive: Iterable[bool], titles: Mapping[str, str] | None = None
    ) -> "Vocabulary":
        """Counts interactions; the most frequent item first, equal counts in the order of the ids' code points."""
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
        titles: dict[str, str] = {}
        with Path(path).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    item_ids.append(record[schema.VOCABULARY_ID])
                    counts.append(record[schema.VOCABULARY_COUNT])
                    positive_counts.append(record[schema.VOCABULARY_POSITIVE_COUNT])
                except (ValueError, KeyError, TypeError) as error:
                    msg = f"{path}, line {number}: not a record of a vocabulary ({error!r}). Received: {line[:100]!r}."
                    raise ValueError(msg) from error
                if schema.VOCABULARY_TITLE in record:
                    titles[item_ids[-1]] = record[schema.VOCABULARY_TITLE]
        return cls(item_ids, np.array(counts, dtype=np.int64), np.array(positive_counts, dtype=np.int64), titles)

    def write(self, path: str | Path) -> None:
        """Writes `items.jsonl`."""
        with Path(path).open("w", encoding="utf-8") as lines:
            for item_id, count, positive_count in zip(self.item_ids, self.counts, self.positive_counts, strict=True):
                record: dict[str, str | int] = {
                    schema.VOCABULARY_ID: item_id,
                    schema.VOCABULARY_COUNT: int(count),
                    schema.VOCABULARY_POSITIVE_COUNT: int(positive_count),
                }
                if item_id in self.titles:
                    record[schema.VOCABULARY_TITLE] = self.titles[item_id]
                lines.write(json.dumps(record, ensure_ascii=False) + "\n")
