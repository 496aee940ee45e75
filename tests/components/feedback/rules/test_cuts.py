"""A cut at a moment, and what the rule on duplicates does on each side of a cut."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local, support
from tests.components.feedback.reference import Row

APRIL = 1_366_070_400  # 2013-04-16 00:00:00 UTC
DAY = 86_400


def generate(folder: Path, rows: list[Row], **settings: Any) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    path = support.write_parquet(folder / "rows.parquet", rows)
    no_filter: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 0, "positive": 0.5}
    config = FeedbackConfig([path], **{**no_filter, "validation_targets": "both", **settings})
    return local.generate(config, folder / "output", 64)


def rows_of_days(users: int = 8, days: int = 10) -> list[Row]:
    return [Row(f"u{user}", f"i{day}", 1.0, APRIL + day * DAY + user) for user in range(users) for day in range(days)]


@pytest.mark.parametrize(
    "moment",
    ["2013-04-23", "2013-04-23T00:00:00Z", "2013-04-23 02:00:00+02:00", "2013-04-23 00:00 UTC", APRIL + 7 * DAY],
)
def test_the_rows_from_a_moment_on_are_held_out(tmp_path: Path, moment: str | int) -> None:
    rows = [Row("u9", f"i{day}", 1.0, APRIL + 5 + day) for day in range(10)]
    statistics = generate(tmp_path, [*rows_of_days(), *rows], split_time=moment)
    assert statistics["split"]["time"] == APRIL + 7 * DAY
    assert statistics["split"]["date"] == "2013-04-23 00:00:00 UTC"
    assert statistics["training_rows"] == 8 * 7 + 10


@pytest.mark.parametrize("ticks", [10**3, 10**6, 10**9])
def test_the_moment_is_in_the_unit_of_the_timestamps(tmp_path: Path, ticks: int) -> None:
    rows = [Row(row.user, row.item, row.value, row.time * ticks) for row in rows_of_days()]
    statistics = generate(tmp_path, rows, split_time="2013-04-23")
    assert (statistics["split"]["time"], statistics["training_rows"]) == ((APRIL + 7 * DAY) * ticks, 56)


@pytest.mark.parametrize("moment", ["2013-04-01", "2014-01-01", 5])
def test_a_moment_beside_all_rows_is_refused(tmp_path: Path, moment: str | int) -> None:
    with pytest.raises(FeedbackError, match=r"`feedback\.split_time` .* does not lie between the first and the last"):
        generate(tmp_path, rows_of_days(), split_time=moment)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split_time": "soon"}, r"`feedback\.split_time` must be an ISO date .* Received: 'soon'"),
        (
            {"split_time": 5, "split": "leave_one_out"},
            r"`feedback\.split_time` is where `feedback\.split: global",
        ),
        ({"split_time": "2013-04-01", "time_unit": "order"}, r"`feedback\.split_time` needs moments"),
        ({"gap": -1}, r"`feedback\.gap` must be a whole number of at least 0 .* Received: -1"),
        ({"gap": "-1 days"}, r"`feedback\.gap` must be .* such as '30 minutes'.* Received: '-1 days'"),
        ({"gap": "soon"}, r"`feedback\.gap` must be .* Received: 'soon'"),
        ({"gap": "1 month"}, r"`feedback\.gap` must be .* Received: '1 month'"),
        ({"gap": "nan days"}, r"`feedback\.gap` must be .* Received: 'nan days'"),
        ({"gap": "1 day", "time_unit": "order"}, r"`feedback\.gap` needs moments"),
        ({"gap": 1, "split": "column"}, r"`feedback\.gap` lies before .* `feedback\.split: global_time` cuts"),
        ({"time_format": "dd.mm"}, r"`feedback\.time_format` must hold signs such as %Y"),
        ({"time_format": "%Y", "time_unit": "hours"}, r"Set one of the two"),
        ({"max_leaked_targets": 1.5}, r"`feedback\.max_leaked_targets` must be a share"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeedbackConfig(["x"], **settings)


def test_what_is_held_out_takes_no_row_away_from_training(tmp_path: Path) -> None:
    """Every item of the first 5 days is rated again after the cut, differently."""
    rows = rows_of_days()
    again = [Row(row.user, row.item, 0.0, row.time + 8 * DAY) for row in rows if row.time < APRIL + 5 * DAY]
    once = generate(tmp_path, rows, split_time="2013-04-24")
    statistics = generate(tmp_path, [*rows, *again], duplicates="last", split_time="2013-04-24")
    assert statistics["training_rows"] == once["training_rows"]
    assert statistics["rows"]["dropped"]["duplicate"] == 0
    (example,) = [each for each in support.all_examples(tmp_path / "output")["train"] if each["user_id"] == "u0"]
    assert example["positive_item_ids"] == [f"i{day}" for day in range(8)]
    assert any("are already in their history" in warning for warning in statistics["warnings"])


def test_the_last_row_of_each_side_stays(tmp_path: Path) -> None:
    rows = rows_of_days()
    twice = [Row(row.user, row.item, 0.0, row.time + 100) for row in rows]
    statistics = generate(tmp_path, [*rows, *twice], duplicates="last", split_time="2013-04-24")
    assert statistics["rows"]["dropped"]["duplicate"] == len(rows)
    assert statistics["training_rows"] == 8 * 8
    first = generate(tmp_path, [*rows, *twice], duplicates="first", split_time="2013-04-24")
    assert first["rows"]["dropped"]["duplicate"] == len(rows)


@pytest.mark.parametrize(("ticks", "gap"), [(1, 2 * DAY), (1, "2 days"), (10**3, "48 hours"), (10**9, "2880 minutes")])
def test_rows_of_the_gap_are_in_no_example(tmp_path: Path, ticks: int, gap: int | str) -> None:
    rows = [Row(row.user, row.item, row.value, row.time * ticks) for row in rows_of_days()]
    # Held out again, so that the items of the gap would be known if their rows in it were for training.
    rows += [Row("u0", f"i{day}", 1.0, (APRIL + 9 * DAY + 100 + day) * ticks) for day in range(8)]
    settings: dict[str, Any] = {"split_time": "2013-04-24", "targets": "successive"}
    statistics = generate(tmp_path, rows, gap=gap, **settings)
    assert statistics["split"]["time"] == (APRIL + 8 * DAY) * ticks
    assert statistics["rows"]["dropped"]["gap"] == 8 * 2
    assert statistics["training_rows"] == 8 * 6
    assert "16 rows of the gap before it left out" in (tmp_path / "output/statistics/summary.txt").read_text("utf-8")
    examples = support.all_examples(tmp_path / "output")
    named = {item for split in examples.values() for each in split for item in each["positive_item_ids"]}
    named |= {each["target_item_id"] for split in ("validation", "test") for each in examples[split]}
    assert named == {f"i{day}" for day in range(6)}, "the items of the last days are in no training row"


@pytest.mark.parametrize("gap", ["0 days", "2 days", "4 days"])
def test_days_of_late_are_counted_back_from_the_end_of_training(tmp_path: Path, gap: str) -> None:
    """Those of a gap, which no training row has, would leave nothing of 2 days to count."""
    generate(tmp_path, rows_of_days(), split_time="2013-04-24", gap=gap, recent_days=2.0)
    counts = {each["item_id"]: each["recent_positive_count"] for each in support.vocabulary(tmp_path / "output")}
    last = 8 - int(gap[0])
    assert counts == {f"i{day}": 8 if day >= last - 2 else 0 for day in range(last)}


def test_the_gap_ends_before_the_first_row_that_is_held_out(tmp_path: Path) -> None:
    rows = [Row("u0", f"i{second}", 1.0, second) for second in range(10)]
    statistics = generate(tmp_path, rows, split_time=6, gap=3, time_unit="order")
    assert (statistics["training_rows"], statistics["rows"]["dropped"]["gap"]) == (3, 3)
    assert statistics["filtered_rows"] == 7
    summary = (tmp_path / "output/statistics/summary.txt").read_text("utf-8")
    assert "held out from 6, 0 users" in summary, "what only orders has no date"
    again = generate(tmp_path / "quantile", rows, test_quantile=0.7, gap=3, time_unit="order")
    assert (again["split"]["time"], again["training_rows"]) == (6, 3)


@pytest.mark.parametrize(
    ("settings", "times"),
    [({}, "fractions"), ({"time_unit": "fractional_seconds"}, "fractions"), ({}, "dates")],
)
def test_a_number_says_what_it_counts_where_the_times_do_not(
    tmp_path: Path, settings: dict[str, Any], times: str
) -> None:
    """Such times become microseconds, of which 172,800 are no gap."""
    lines = [f"{row.user},{row.item},{row.value},{written(row.time, times)}" for row in rows_of_days()]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["user,item,value,timestamp", *lines]))
    settings = {**settings, "min_item_users": 1, "min_user_items": 1, "positive": 0.5, "split_time": "2013-04-24"}
    message = r"`feedback\.gap: 172800` is a number, .* such as `feedback\.gap: 172800 seconds`"
    with pytest.raises(FeedbackError, match=message):
        local.generate(FeedbackConfig([str(path)], gap=2 * DAY, **settings), tmp_path / "output", 64)
    told = local.generate(FeedbackConfig([str(path)], gap="172800 seconds", **settings), tmp_path / "told", 64)
    assert told["rows"]["dropped"]["gap"] == 8 * 2


def written(time: int, how: str) -> str:
    if how == "fractions":
        return f"{time}.25"
    return datetime.datetime.fromtimestamp(time, datetime.timezone.utc).isoformat()


def test_a_gap_that_takes_every_training_row_is_named(tmp_path: Path) -> None:
    message = (
        r"every timestamp is at or after the split time .*, or in the gap of 30 days before it \(`feedback\.gap`\)"
    )
    with pytest.raises(FeedbackError, match=message):
        generate(tmp_path, rows_of_days(), split_time="2013-04-24", gap="30 days")


def test_a_row_of_the_gap_takes_no_row_away_from_training(tmp_path: Path) -> None:
    """Liked before the gap and disliked in it: with `last`, training keeps the like."""
    rows = [Row("u0", "i0", 1.0, 1), Row("u0", "i0", 0.0, 5), Row("u0", "i1", 1.0, 2), Row("u0", "i1", 1.0, 7)]
    statistics = generate(tmp_path, rows, split_time=7, gap=3, time_unit="order", duplicates="last")
    assert statistics["rows"]["dropped"]["duplicate"] == 0
    (example,) = support.all_examples(tmp_path / "output")["train"]
    assert example["positive_item_ids"] == ["i0", "i1"]


@pytest.mark.parametrize(
    ("opinions", "liked", "disliked"), [([1, 0, 1], ["i0"], []), ([1, 0], [], ["i0"]), ([0, 1, 1, 0], [], ["i0"])]
)
def test_the_last_opinion_counts_where_one_item_was_liked_and_disliked(
    tmp_path: Path, opinions: list[int], liked: list[str], disliked: list[str]
) -> None:
    """Of one time, too: then the order of the file decides."""
    for time in (0, 1):
        rows = [Row("u0", "i0", float(value), 1 + time * place) for place, value in enumerate(opinions)]
        folder = tmp_path / str(time)
        generate(folder, [*rows, Row("u0", "i9", 1.0, 90)], split_time=80, time_unit="order", duplicates="last")
        (example,) = support.all_examples(folder / "output")["train"]
        assert (example["positive_item_ids"], example["negative_item_ids"]) == (liked, disliked)
