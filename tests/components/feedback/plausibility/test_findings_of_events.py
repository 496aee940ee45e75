"""Events whose rules do not fit their rows are told: bounds on another scale, and cancels that find nothing."""

from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import EventConfig, FeedbackConfig
from components.feedback.plausibility.limits import LimitsConfig
from components.feedback.run import generate
from pnfrec_core.errors import FeedbackError

RULES: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "max_leaked_targets": 1.0}
DAY = 86_400
BEGIN = 1_700_006_400  # a midnight


def rows_of(begin: int, count: int = 60, user: str = "u") -> list[tuple[str, str, int]]:
    """No two of a user and item, each at its own time."""
    return [(f"{user}{row % 10}", f"i{row // 10}", begin + 600 * row) for row in range(count)]


LIKES, DISLIKES = rows_of(BEGIN), rows_of(BEGIN + 300, user="v")
CANCELS = EventConfig("undislikes", ["undislikes.csv"], cancels=["dislikes"])


def write(folder: Path, name: str, rows: list[tuple[Any, ...]], *columns: str) -> None:
    lines = [",".join(map(str, row)) for row in rows]
    (folder / f"{name}.csv").write_text("\n".join([",".join(("user", "item", "timestamp", *columns)), *lines]) + "\n")


def told(folder: Path, *events: EventConfig, **settings: Any) -> list[str]:
    both = (EventConfig("likes", ["likes.csv"], "like"), EventConfig("dislikes", ["dislikes.csv"], "dislike"))
    write(folder, "likes", LIKES)
    write(folder, "dislikes", DISLIKES)
    rules = {**RULES, "positive": "column", "split": "none", "base": str(folder), **settings}
    config = FeedbackConfig(events=[*both, *events], **rules)
    output = folder.with_name(f"{folder.name}-out-{len(list(folder.parent.iterdir()))}")
    warnings = generate(config, output)["warnings"]
    return [text for text in warnings if "take back" in text or "events" in text.partition(".")[0]]


def later(rows: list[tuple[str, str, int]], seconds: int) -> list[tuple[Any, ...]]:
    return [(user, item, time + seconds) for user, item, time in rows]


@pytest.mark.parametrize("shards", [1, 3])
def test_much_that_takes_nothing_back_is_told(tmp_path: Path, shards: int) -> None:
    write(tmp_path, "undislikes", later(DISLIKES[:20], 60))
    assert told(tmp_path, CANCELS, shards=shards) == []
    # Dates without hours: those of the first day come before what they mean.
    days = [(user, item, time // DAY * DAY) for user, item, time in DISLIKES[:20]]
    write(tmp_path, "undislikes", [*days, *later(DISLIKES[20:30], 60)])
    (text,) = told(tmp_path, CANCELS, shards=shards)
    assert text.startswith(
        "20 of 30 rows of the event 'undislikes' have nothing to take back: of 'dislikes' the user has no row of that "
        "item that comes before; 20 of them come before what they might mean. Perhaps what they mean is older than"
    )
    assert told(tmp_path, CANCELS, shards=shards, limits=LimitsConfig(idle_cancels=0.7)) == []


def test_cancels_of_the_wrong_kind_are_told(tmp_path: Path) -> None:
    write(tmp_path, "undislikes", [*later(DISLIKES[:20], 60), *later(LIKES[:5], 60)])
    (text,) = told(tmp_path, EventConfig("undislikes", ["undislikes.csv"], cancels=["likes"]))
    assert text.startswith("20 of 25 rows of the event 'undislikes' have nothing to take back: of 'likes' the user")
    assert "; 0 of them come before" in text


def listens(**bounds: Any) -> EventConfig:
    return EventConfig("listens", ["listens.csv"], column="played", **bounds)


def test_bounds_on_another_scale_are_told(tmp_path: Path) -> None:
    shares = [(*row, place / 60) for place, row in enumerate(rows_of(BEGIN + DAY))]
    write(tmp_path, "listens", shares, "played")
    assert told(tmp_path, listens(like_from=0.9, dislike_below=0.1)) == []
    assert told(tmp_path, listens(like_from=0.5)) == [], "it says one thing only, and does"
    assert told(tmp_path, listens(like_from=95, dislike_below=10)) == [
        "1 of 1 events whose column says both like and dislike say one of them only: 'listens', 60 dislikes, by "
        "'played' with like_from 95 and dislike_below 10. Look at the bounds: perhaps the values are shares and the "
        "bounds percentages, or the other way round. What means one thing is clearer with `polarity`."
    ]
    assert told(tmp_path, listens(like_from=95)) == [
        "1 of 1 events that a column decides have no row that says like or dislike: 'listens', 60 rows, by 'played' "
        "with like_from 95. Look at the bounds: perhaps the values are shares and the bounds percentages, or the other "
        "way round."
    ]


def test_words_that_say_one_thing_are_told(tmp_path: Path) -> None:
    write(tmp_path, "listens", [(*row, "like") for row in rows_of(BEGIN + DAY)], "played")
    (text,) = told(tmp_path, listens())
    assert "say one of them only: 'listens', 60 likes, by the words in 'played'." in text


@pytest.mark.parametrize("bounds", [{"like_from": float("nan")}, {"dislike_below": float("-inf")}])
def test_a_bound_that_is_no_number(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="the event 'listens': `like_from` and `dislike_below` must be finite numbers"):
        listens(**bounds)


def test_without_a_like_the_events_are_named(tmp_path: Path) -> None:
    write(tmp_path, "dislikes", DISLIKES)
    events = [EventConfig("dislikes", ["dislikes.csv"], "dislike")]
    config = FeedbackConfig(events=events, positive="column", split="none", base=str(tmp_path), **RULES)
    with pytest.raises(FeedbackError, match=r"\(positive: what the events say\).*or change the rules of `feedback.ev"):
        generate(config, tmp_path / "out")
