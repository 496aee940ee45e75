"""A newest day that is broken is told from one that is like the days before."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.data_gate import drift
from components.feedback.config import FeedbackConfig, from_json, to_json
from components.feedback.drift.config import DriftConfig
from tests.components.feedback import local

DAY, BEGIN, DAYS = 86_400, 1_366_070_400, 20  # 2013-04-16
YEAR_2100 = 4_102_444_800
Rows = list[dict[str, Any]]


def make_day(day: int, count: int = 200) -> Rows:
    """Rows of a day: 60 users, 50 items of seven digits, ratings of 1 to 10, most of them by day."""
    draw = random.Random(day)
    return [
        {
            "user": f"{draw.randint(1, 60)}",
            "item": f"{draw.randint(1, 50):07}",
            "value": float(draw.choice([3, 5, 6, 7, 7, 8, 8, 9, 10])),
            "timestamp": BEGIN + day * DAY + (draw.randint(8, 23) * 3600) + draw.randint(0, 3599),
        }
        for _ in range(count + draw.randint(-20, 20))
    ]


def before() -> Rows:
    return [row for day in range(DAYS) for row in make_day(day)]


def account(folder: Path, newest: Rows, shards: int = 3, **settings: Any) -> dict[str, Any]:
    pq.write_table(pa.Table.from_pylist([*before(), *newest]), folder / "rows.parquet")
    rules = {"min_item_users": 1, "min_user_items": 1, "positive": 7.0, **settings}
    config = FeedbackConfig(["*.parquet"], base=str(folder), shards=shards, **rules)
    return local.generate(config, folder / "output", 500)


def outside(statistics: dict[str, Any]) -> set[str]:
    return {each["name"] for each in statistics["drift"]["measures"] if each["outside"]}


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Rows:
    return [{**row, **change(row)} for row in make_day(DAYS)]


def test_a_day_like_the_others_lies_within_every_band(tmp_path: Path) -> None:
    statistics = account(tmp_path, make_day(DAYS))
    found = statistics["drift"]
    assert outside(statistics) == set()
    assert [each["name"] for each in found["measures"]] == [
        *("rows", "users", "items", "new_users", "new_items", "likes", "repeats"),
        *("value_low", "value_middle", "value_high", "hours", "user_forms", "item_forms"),
    ]
    assert found["stops"] == []
    assert found["until"].startswith("2013-05-06 23:")
    assert not [warning for warning in statistics["warnings"] if "newest day" in warning]
    by_name = {each["name"]: each for each in found["measures"]}
    end = max(row["timestamp"] for row in make_day(DAYS))
    newest = [row for row in [*before(), *make_day(DAYS)] if row["timestamp"] > end - DAY]
    assert by_name["rows"]["value"] == len(newest)
    assert by_name["users"]["value"] == len({row["user"] for row in newest})
    assert by_name["items"]["value"] == len({row["item"] for row in newest})
    assert len(by_name["rows"]["before"]) == found["days"] == DAYS - 1


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (changed(lambda row: {"value": row["value"] / 10}), {"value_middle", "value_high", "likes"}),
        (changed(lambda row: {"item": row["item"].lstrip("0")}), {"new_items", "item_forms"}),
        (changed(lambda row: {"user": row["user"].zfill(8)}), {"new_users", "user_forms"}),
        (changed(lambda row: {"timestamp": row["timestamp"] % DAY % 3600 + BEGIN + DAYS * DAY}), {"hours"}),
        (make_day(DAYS)[:70], {"rows"}),
        (make_day(DAYS, 2000), {"rows"}),
        (make_day(DAYS) * 2, {"rows", "repeats"}),
        (changed(lambda _: {"user": "1"}), {"users"}),
        (changed(lambda _: {"item": "0000001"}), {"items"}),
        (changed(lambda _: {"value": 3.0}), {"likes", "value_middle"}),
    ],
    ids=["tenths", "items", "users", "hours", "few", "many", "twice", "one user", "one item", "dislikes"],
)
def test_a_broken_day_lies_outside(tmp_path: Path, newest: Rows, expected: set[str]) -> None:
    statistics = account(tmp_path, newest)
    assert expected <= outside(statistics)
    assert statistics["drift"]["stops"] == [], "a warning by default"
    told = [warning for warning in statistics["warnings"] if "on the newest day" in warning]
    assert len(told) == len(outside(statistics))
    assert all("The band is " in warning for warning in told)


def test_what_stops_a_run_names_the_number_and_the_band(tmp_path: Path) -> None:
    statistics = account(tmp_path, changed(lambda row: {"value": row["value"] / 10}), drift=DriftConfig("stop"))
    stops = drift.list_stops(json.dumps(statistics))
    assert len(stops) == len(outside(statistics))
    (middle,) = (stop for stop in stops if stop.startswith("The 50% quantile of the values"))
    assert "on the newest day (24 hours to 2013-05-06" in middle
    assert ": 0.7. The band is 4.27 to 9.73; the 19 days before had 7 to 8." in middle
    message = drift.to_message(stops, "report.html")
    assert message.startswith("The newest day of the feedback is refused (`feedback.drift.action: stop`); ")
    assert all(f"\n  - {stop}\n" in message for stop in stops)
    page = (tmp_path / "output" / "statistics" / "report.html").read_text(encoding="utf-8")
    assert page.count('<figure class="above">') == len(stops)
    assert "drift_value_middle: 0.7, band 4.27 to 9.73" in page


def test_times_in_the_year_2100_stop_a_run_too(tmp_path: Path) -> None:
    newest = changed(lambda row: {"timestamp": row["timestamp"] % DAY + YEAR_2100})
    (stop,) = account(tmp_path, newest, drift=DriftConfig("stop"))["drift"]["stops"]
    assert stop.startswith(f"{len(newest)} of ")
    assert "rows are from after tomorrow" in stop


def test_an_empty_file_stops_a_run_too(tmp_path: Path) -> None:
    empty = pa.Table.from_pylist(make_day(DAYS)).slice(0, 0)
    pq.write_table(empty, tmp_path / "today.parquet")
    statistics = account(tmp_path, [], drift=DriftConfig("stop"))
    assert statistics["drift"]["stops"] == [f"{tmp_path / 'today.parquet'} has no data row."]


def test_the_account_of_the_days_does_not_depend_on_the_shards(tmp_path: Path) -> None:
    found = []
    for shards in (1, 5):
        (tmp_path / str(shards)).mkdir()
        found.append(account(tmp_path / str(shards), make_day(DAYS), shards)["drift"])
    assert found[0] == found[1]


def test_too_few_days_and_off_compare_nothing(tmp_path: Path) -> None:
    for place, settings in enumerate((DriftConfig("off"), DriftConfig(days=40, least_days=30))):
        folder = tmp_path / str(place)
        folder.mkdir()
        statistics = account(folder, make_day(DAYS), drift=settings)
        assert statistics["drift"]["measures"] == []
        page = (folder / "output" / "statistics" / "report.html").read_text(encoding="utf-8")
        assert "Nothing is compared" in page


def at_midnight(day: int) -> dict[str, Any]:
    return {"user": "1", "item": "0000001", "value": 7.0, "timestamp": BEGIN + (day + 1) * DAY - 1}


def of_days(folder: Path, days: list[int], drift: DriftConfig) -> dict[str, Any]:
    """The account of rows of these days alone, of which the last ends with midnight, as do those before it then."""
    rows = [row for day in days for row in make_day(day)]
    pq.write_table(pa.Table.from_pylist([*rows, at_midnight(days[-1])]), folder / "rows.parquet")
    rules = {"min_item_users": 1, "min_user_items": 1, "positive": 7.0}
    config = FeedbackConfig(["*.parquet"], base=str(folder), shards=2, drift=drift, **rules)
    return local.generate(config, folder / "output", 500)


@pytest.mark.parametrize("days", [1, 2, 3, 7], ids="{} days".format)
def test_the_first_days_are_not_stopped_and_it_is_said_that_they_are_not_compared(tmp_path: Path, days: int) -> None:
    statistics = of_days(tmp_path, list(range(days)), DriftConfig("stop"))
    whole = max(days - 2, 0)  # the oldest one begins with its first row
    assert statistics["drift"]["stops"] == []
    assert statistics["drift"]["measures"] == []
    expected = f"The newest day is compared with no other: {whole} whole days lie before it, with rows, and it takes 7 "
    (told,) = (each for each in statistics["warnings"] if each.startswith("The newest day is compared with no other"))
    assert told.startswith(expected)
    assert statistics["drift"]["not_compared"] == told
    page = (tmp_path / "output" / "statistics" / "report.html").read_text(encoding="utf-8")
    assert f"Nothing is compared: {told}" in page


def test_without_a_stop_it_is_no_warning(tmp_path: Path) -> None:
    statistics = of_days(tmp_path, [0, 1], DriftConfig("warn"))
    assert statistics["drift"]["not_compared"].startswith("The newest day is compared with no other")
    assert not [each for each in statistics["warnings"] if "compared" in each]


def test_days_that_are_missing_neither_stop_a_right_day_nor_hide_a_broken_one(tmp_path: Path) -> None:
    """Two of three days are missing; then a few, among which a day that lost most of its rows would be like others."""
    third, few = list(range(0, 31, 3)), [day for day in range(DAYS + 1) if day not in (3, 8, 9, 14)]
    found = []
    for place, days in enumerate((third, few)):
        (tmp_path / str(place)).mkdir()
        found.append(of_days(tmp_path / str(place), days, DriftConfig("stop"))["drift"])
    assert [each["stops"] for each in found] == [[], []]
    assert [each["days"] for each in found] == [28, 19]
    for each in found:
        (rows,) = (measure for measure in each["measures"] if measure["name"] == "rows")
        assert len(rows["before"]) == each["days_with_rows"] < each["days"]
        assert min(rows["before"]) > 0
        assert 50 < rows["low"] < 200 < rows["high"] < 500
    (tmp_path / "broken").mkdir()
    rows = [row for day in few[:-1] for row in make_day(day)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "broken" / "before.parquet")
    pq.write_table(
        pa.Table.from_pylist([*make_day(DAYS)[:40], at_midnight(DAYS)]), tmp_path / "broken" / "newest.parquet"
    )
    config = FeedbackConfig(["*.parquet"], base=str(tmp_path / "broken"), positive=7.0, drift=DriftConfig("stop"))
    stops = local.generate(config, tmp_path / "broken" / "output", 500)["drift"]["stops"]
    assert any(stop.startswith("Rows on the newest day") for stop in stops), stops


def test_too_few_days_with_rows_compare_nothing(tmp_path: Path) -> None:
    statistics = of_days(tmp_path, [0, 5, 10, 15, 20], DriftConfig("stop"))
    assert statistics["drift"]["stops"] == []
    (told,) = (each for each in statistics["warnings"] if "compared with no other" in each)
    assert " of the 19 days before it have rows, and it takes 7 (`feedback.drift.least_days`)" in told


def test_the_settings_are_checked_and_travel() -> None:
    config = FeedbackConfig(["x"], drift=DriftConfig("stop", 10, 5, 2.0))
    assert from_json(to_json(config)) == config
    with pytest.raises(ValueError, match=r"`feedback\.drift\.least_days` and `feedback\.drift\.days` must be"):
        DriftConfig(days=5)
    with pytest.raises(ValueError, match=r"`feedback\.drift\.width` must be above 0"):
        DriftConfig(width=0.0)
