"""The catalogue on disk."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pnfrec_keras.examples.vocabulary import Vocabulary


def test_order_is_by_count_then_by_code_point() -> None:
    items = ["b", "a", "é", "b", "10", "9", "b", "a"]
    positive = [True, False, True, False, True, True, True, False]
    vocabulary = Vocabulary.from_interactions(items, positive)
    assert vocabulary.item_ids == ["b", "a", "10", "9", "é"]
    assert vocabulary.counts.tolist() == [3, 2, 1, 1, 1]
    assert vocabulary.positive_counts.tolist() == [2, 0, 1, 1, 1]
    assert vocabulary.index() == {"b": 1, "a": 2, "10": 3, "9": 4, "é": 5}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    ids = ["007", "tab\there", 'quote"', "line\nbreak", "雪", "::", " "]
    counts = np.arange(7, 0, -1)
    written = Vocabulary(ids, counts, counts // 2, {"007": "Goldfinger (1964)", "雪": "Snow\n"})
    written.write(tmp_path / "items.jsonl")
    read = Vocabulary.read(tmp_path / "items.jsonl")
    assert list(read.item_ids) == ids
    assert read.counts.tolist() == counts.tolist()
    assert read.positive_counts.tolist() == (counts // 2).tolist()
    assert read.titles == written.titles


def test_recent_likes_are_there_for_all_items_or_for_none(tmp_path: Path) -> None:
    counts = np.array([3, 2])
    path = tmp_path / "items.jsonl"
    Vocabulary(["a", "b"], counts, counts, recent_positive_counts=np.array([0, 2])).write(path)
    found = Vocabulary.read(path).recent_positive_counts
    assert found is not None
    assert found.tolist() == [0, 2]
    Vocabulary(["a", "b"], counts, counts).write(path)
    assert Vocabulary.read(path).recent_positive_counts is None
    first = '{"item_id": "a", "count": 1, "positive_count": 1, "recent_positive_count": 0}\n'
    path.write_text(first + first.replace('"a"', '"b"').replace(', "recent_positive_count": 0', ""))
    with pytest.raises(ValueError, match=r"line 2: .*recent_positive_count"):
        Vocabulary.read(path)
    with pytest.raises(ValueError, match="one for each item"):
        Vocabulary(["a", "b"], counts, counts, recent_positive_counts=np.array([1]))
    with pytest.raises(ValueError, match="one for each item, of 0 or more"):
        Vocabulary(["a", "b"], counts, counts, recent_positive_counts=np.array([1, -1]))


@pytest.mark.parametrize("line", ["{", "[]", '{"item_id": "a", "count": 1}', "7"])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text('{"item_id": "a", "count": 1, "positive_count": 1}\n' + line + "\n")
    with pytest.raises(ValueError, match=r"items.jsonl, line 2: not a record of a vocabulary"):
        Vocabulary.read(path)


@pytest.mark.parametrize(
    ("ids", "counts", "message"),
    [
        ([], [], "is empty"),
        (["a", "a"], [1, 1], "must be distinct"),
        (["a", ""], [1, 1], "not empty"),
        (["a"], [1, 2], "1 ids, 2 counts"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(ids: list[str], counts: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Vocabulary(ids, np.array(counts), np.array(counts))


@pytest.mark.parametrize(
    ("ids", "counts", "positive", "message"),
    [
        (["a", 7], [1, 1], [1, 1], "must be text. Received: 7"),
        (["a", 0], [1, 1], [1, 1], "must be text. Received: 0"),
        (["a", "b"], [2, 1], [1, 2], "The item 'b' .* as often as it is liked, or more. Received: 1 and 2"),
        (["a", "b"], [1, -1], [1, -1], "The item 'b' .* Received: -1 and -1"),
        (["a", "b"], [math.nan, 1], [1, 1], "The item 'a' .* Received: nan and 1"),
        (["a", "b", "c"], [3, 1, 2], [1, 1, 1], "Received: 'c', which occurs 2 times, after 'b' with 1"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    ids: list[Any], counts: list[float], positive: list[float], message: str
) -> None:
    """Buckets of popularity and the order of equal scores go by the order of the items."""
    with pytest.raises(ValueError, match=message):
        Vocabulary(ids, np.array(counts), np.array(positive))
