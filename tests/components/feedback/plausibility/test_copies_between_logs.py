"""Rows that stand in two logs: in what was shown at random and in the other files, or in the files of two events."""

from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import EventConfig, FeedbackConfig
from components.feedback.plausibility.limits import LimitsConfig
from components.feedback.run import generate

HEADER = "user,item,value,timestamp\n"
RULES: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "max_leaked_targets": 1.0}
LOG = [f"u{row % 20},i{row % 13},{row % 2},{100 + row}\n" for row in range(200)]
# None of them has the time of a row of the log.
SHOWN = [f"u{row % 20},i{row % 11},{row % 2},{1000 + row}\n" for row in range(100)]


def told(folder: Path, config: FeedbackConfig, word: str) -> list[str]:
    output = folder.with_name(f"{folder.name}-out-{len(list(folder.parent.iterdir()))}")
    return [text for text in generate(config, output)["warnings"] if word in text]


def of_random(folder: Path, shown: list[str], shards: int = 1, **settings: Any) -> list[str]:
    (folder / "log.csv").write_text(HEADER + "".join(LOG))
    (folder / "random.csv").write_text(HEADER + "".join(shown))
    rules: dict[str, Any] = {"files": ["log.csv"], "random_files": ["random.csv"], "base": str(folder), **RULES}
    rules |= {"positive": 1.0, "split_time": 200, "shards": shards, **settings}
    return told(folder, FeedbackConfig(**rules), "of `feedback.random_files`")


def test_what_was_shown_at_random_copies_the_log(tmp_path: Path) -> None:
    assert of_random(tmp_path, SHOWN) == []
    # Exported anew, in another order and with other values.
    copied = [f"{row.rsplit(',', 2)[0]},1,{row.rsplit(',', 1)[1]}" for row in reversed(LOG[150:])]
    expected = (
        "50 of 150 rows of `feedback.random_files` have the user, the item and the time of a row of `feedback.files` "
        "(for example user 'u10', item 'i1', time 261). If they were shown at random"
    )
    (text,) = of_random(tmp_path, [*SHOWN, *copied])
    assert text.startswith(expected[:120])
    (several,) = of_random(tmp_path, [*SHOWN, *copied], shards=3)
    assert several.startswith(text.partition(" (for")[0])
    assert of_random(tmp_path, [*SHOWN, *copied], limits=LimitsConfig(random_copies=0.5)) == []
    # The time alone, or the item alone, is nothing in common.
    assert of_random(tmp_path, [f"u1,i9,1,{100 + row}\n" for row in range(0, 180, 20)]) == []


def test_a_log_of_what_was_shown_at_random_that_was_read_twice(tmp_path: Path) -> None:
    (text,) = of_random(tmp_path, [*SHOWN, *SHOWN[:40]])
    assert text.startswith("40 of 140 rows of `feedback.random_files` repeat another one of them exactly (for example ")


def of_events(folder: Path, shards: int = 1, **rows: list[str]) -> list[str]:
    for name, lines in rows.items():
        (folder / f"{name}.csv").write_text("user,item,timestamp\n" + "".join(lines))
    events = [
        EventConfig("likes", ["likes.csv"], "like"),
        EventConfig("dislikes", ["dislikes.csv"], "dislike"),
        EventConfig("undislikes", ["undislikes.csv"], cancels=["dislikes"]),
    ]
    events = [event for event in events if event.name in rows]
    config = FeedbackConfig(events=events, base=str(folder), positive="column", split="none", shards=shards, **RULES)
    return told(folder, config, "of the event '")


def rows_of(begin: int, count: int = 60) -> list[str]:
    return [f"u{row % 10},i{row % 7},{begin + row}\n" for row in range(count)]


@pytest.mark.parametrize("shards", [1, 3])
def test_an_event_that_copies_another_one(tmp_path: Path, shards: int) -> None:
    likes, dislikes = rows_of(1000), rows_of(2001)
    assert of_events(tmp_path, shards, likes=likes, dislikes=dislikes, undislikes=rows_of(3000)[:9]) == []
    # Likes were appended to the dislikes, in another order.
    (text,) = of_events(tmp_path, shards, likes=likes, dislikes=[*dislikes, *reversed(likes)])
    assert text.startswith(
        "60 of 60 rows of the event 'likes' have the user, the item and the time of a row of 'dislikes' (for example "
        "user 'u0', item 'i0', time 1000). Perhaps the file of one was delivered as"
    )
    # Each dislike takes itself back, so that none would be left.
    (text,) = of_events(tmp_path, shards, likes=likes, dislikes=dislikes, undislikes=[*dislikes[1:], "u9,i0,1\n"])
    assert text.startswith("59 of 60 rows of the event 'dislikes' have")


def test_some_events_at_one_time_are_none(tmp_path: Path) -> None:
    likes = rows_of(1000)
    assert of_events(tmp_path, likes=likes, dislikes=[*rows_of(2000)[:50], *likes[:10]]) == []
