"""What is said of feedback that is not what it seems to be, and what stops a run."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig, TitlesConfig
from components.feedback.plausibility.limits import LimitsConfig
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local

APRIL = 1_366_117_800  # 2013-04-16 13:10:00 UTC
NO_FILTER: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "positive": 3.0}


def rows(count: int = 400, begin: int = APRIL, step: int = 3600) -> list[dict[str, Any]]:
    """Rows of 20 users and 20 items, half of them liked; no user has an item twice."""
    generator = random.Random(4)
    pairs = [(user, item) for user in range(20) for item in range(20)]
    generator.shuffle(pairs)
    return [
        {"user": f"u{user}", "item": f"i{item}", "value": float(generator.randint(1, 5)), "timestamp": begin + n * step}
        for n, (user, item) in enumerate(pairs[:count])
    ]


def statistics_of(folder: Path, table: Iterable[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(list(table)), path)
    config = FeedbackConfig([str(path)], **{"base": str(folder), "shards": 3, **NO_FILTER, **settings})
    return local.generate(config, folder / "output", 64)


def finding(statistics: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [each for each in statistics["findings"] if each["name"] == name]
    assert len(found) == 1, name
    return found[0]


def error_of(folder: Path, table: Iterable[dict[str, Any]], **settings: Any) -> str:
    with pytest.raises(FeedbackError) as caught:
        statistics_of(folder, table, **settings)
    return str(caught.value)


def test_sound_feedback_has_no_warning(tmp_path: Path) -> None:
    statistics = statistics_of(tmp_path, rows())
    assert statistics["warnings"] == []
    assert [each["name"] for each in statistics["findings"] if each["above"]] == []


def by_column(table: list[dict[str, Any]], split: Any) -> list[dict[str, Any]]:
    return [{**row, "split": split(n)} for n, row in enumerate(table)]


def test_test_rows_that_stand_in_training_too(tmp_path: Path) -> None:
    """The last row of each user is held out, and a copy of it is trained on."""
    table = by_column(rows(), lambda n: "test" if n >= 380 else "train")
    copies = [{**row, "split": "train"} for row in table if row["split"] == "test"]
    message = error_of(tmp_path, [*table, *copies], split="column")
    assert "test targets were trained on for the very same user" in message
    assert "of them at their own time or later (for example user 'u" in message
    assert "More than `feedback.max_leaked_targets` (0.5) allows" in message
    statistics = statistics_of(tmp_path, [*table, *copies], split="column", max_leaked_targets=1.0)
    found = finding(statistics, "trained_test")
    assert found["above"]
    assert found["share"] == 1.0 == found["leaked"] / found["total"]
    assert any(found["sentence"] in warning and found["remedy"] in warning for warning in statistics["warnings"])


def test_a_column_that_was_drawn_at_random(tmp_path: Path) -> None:
    generator = random.Random(1)
    table = by_column(rows(), lambda _: "test" if generator.random() < 0.2 else "train")
    assert "targets have later training rows of the same user" in error_of(
        tmp_path, table, split="column", targets="successive"
    )
    statistics = statistics_of(tmp_path, table, split="column", targets="successive", max_leaked_targets=1.0)
    later = {}
    for place, row in enumerate(table):
        later[place] = row["split"] == "test" and any(
            other["user"] == row["user"] and other["split"] == "train" for other in table[place + 1 :]
        )
    assert finding(statistics, "later_test")["number"] == sum(later.values())


def test_what_was_played_before_is_told_and_stops_nothing(tmp_path: Path) -> None:
    table = rows()
    again = [{**row, "timestamp": APRIL + 500 * 3600 + n} for n, row in enumerate(table[:40])]
    statistics = statistics_of(tmp_path, [*table, *again], split_time=APRIL + 450 * 3600, validation_targets="both")
    found = finding(statistics, "trained_test")
    assert (found["share"], found["leaked"], found["above"]) == (1.0, 0, True)
    assert found["remedy"].startswith("`duplicates: first`"), "the split is by time already"
    assert finding(statistics, "later_test")["number"] == 0


@pytest.mark.parametrize(
    ("begin", "step", "form"),
    [(20130801, 1, "%Y%m%d"), (2013080100, 100, "%Y%m%d%H"), (201308150000, 1, "%Y%m%d%H%M"), (2000, 1, "%Y")],
)
def test_dates_that_were_written_as_numbers(tmp_path: Path, begin: int, step: int, form: str) -> None:
    """As many as there are days in a month, minutes in an hour or years to 2199."""
    table = [{**row, "timestamp": begin + n % 28 * step} for n, row in enumerate(rows())]
    message = error_of(tmp_path, table, split="leave_one_out")
    assert f"read as dates written as numbers ({form})" in message
    assert f"Set `feedback.time_format: '{form}'`" in message
    split = {"split": "leave_one_out", "time_format": form}
    assert finding(statistics_of(tmp_path, table, **split), "early_rows")["number"] == 0
    kept = statistics_of(
        tmp_path, table, split="leave_one_out", time_unit="seconds" if begin < 10**9 else "milliseconds"
    )
    assert finding(kept, "early_rows")["above"]


def test_a_file_of_one_day_is_recognised_too(tmp_path: Path) -> None:
    table = [{**row, "timestamp": 20130815} for row in rows()]
    assert "read as dates written as numbers (%Y%m%d)" in error_of(tmp_path, table, split="leave_one_out")


def test_hours_since_1970(tmp_path: Path) -> None:
    table = rows(begin=379_000, step=1)
    statistics = statistics_of(tmp_path, table, recent_days=2.0)
    found = finding(statistics, "early_rows")
    assert found["above"]
    assert "read as hours they run from 2013-03-27 to 2013-04-13" in found["sentence"]
    assert "Set `feedback.time_unit`" in found["remedy"]
    told = statistics_of(tmp_path, table, recent_days=2.0, time_unit="hours")
    assert told["warnings"] == []
    assert told["split"]["date"].startswith("2013-04-11")
    assert (told["split"]["time"], told["split"]["time_unit"]) == (379_359, "hours")


def test_numbers_that_only_order_are_no_times(tmp_path: Path) -> None:
    statistics = statistics_of(tmp_path, rows(begin=0, step=1), time_unit="order")
    assert statistics["warnings"] == []
    assert statistics["split"]["date"] is None
    assert statistics["months"] == {}
    with pytest.raises(ValueError, match=r"`feedback\.recent_days` needs moments"):
        FeedbackConfig(["x"], time_unit="order", recent_days=1.0)


def test_times_beyond_tomorrow(tmp_path: Path) -> None:
    table = rows()
    table[7]["timestamp"] = 7_000_000_000
    found = finding(statistics_of(tmp_path, table), "late_rows")
    assert (found["number"], found["above"]) == (1, True)
    assert "2191-10-" in found["sentence"]


def test_zones_in_some_of_the_files(tmp_path: Path) -> None:
    for name, zone in (("a", "+02:00"), ("b", "")):
        days = [(row, 1 + n % 28) for n, row in enumerate(rows())]
        lines = [f"{row['user']},{row['item']},{row['value']},2013-04-{day:02}T10:00{zone}\n" for row, day in days]
        (tmp_path / f"{name}.csv").write_text("user,item,value,timestamp\n" + "".join(lines))
    config = FeedbackConfig(["a.csv", "b.csv"], base=str(tmp_path), **NO_FILTER)
    statistics = local.generate(config, tmp_path / "output", 64)
    assert finding(statistics, "mixed_zones")["sentence"].startswith("400 dates name their zone and 400 do not")
    assert finding(statistics, "mixed_zones")["above"]
    assert finding(statistics, "repeated_rows")["number"] == 0


def test_rows_that_were_read_twice(tmp_path: Path) -> None:
    found = statistics_of(tmp_path, rows() * 2)
    assert finding(found, "repeated_rows")["sentence"].startswith(
        "400 of 800 rows repeat another one exactly (for example us"
    )
    assert finding(found, "rows_by_file")["number"] == 0
    assert finding(found, "tied_rows")["number"] == 800


def test_two_values_of_one_moment(tmp_path: Path) -> None:
    table = rows()
    others = [{**row, "value": 6.0 - row["value"]} for row in table[:60]]
    number = sum(row["value"] != 3.0 for row in table[:60])
    found = finding(statistics_of(tmp_path, [*table, *others]), "contradictions")
    assert found["sentence"].startswith(f"{number} of 460 rows give an item another value than a row of the same user")
    assert found["above"]
    later = [{**row, "timestamp": row["timestamp"] + 1} for row in others]
    assert finding(statistics_of(tmp_path, [*table, *later]), "contradictions")["number"] == 0


def test_many_rows_that_were_dropped_are_a_warning(tmp_path: Path) -> None:
    table = [{**row, "value": None if n % 10 == 0 else row["value"]} for n, row in enumerate(rows())]
    table[5]["item"] = ""
    statistics = statistics_of(tmp_path, table, bad_rows="drop")
    found = finding(statistics, "unusable_rows")
    assert found["sentence"] == (
        "41 of 400 rows cannot be used and were dropped, 40 of them for: value not a finite number."
    )
    assert [each for each in statistics["warnings"] if found["sentence"] in each]
    few = [{**row, "value": None if n % 100 == 0 else row["value"]} for n, row in enumerate(rows())]
    assert statistics_of(tmp_path, few, bad_rows="drop")["warnings"] == []


def test_an_order_that_only_the_file_knows(tmp_path: Path) -> None:
    found = statistics_of(tmp_path, [{**row, "timestamp": APRIL} for row in rows()], split="leave_one_out")
    assert finding(found, "rows_by_file")["share"] == 1.0
    assert finding(found, "rows_by_file")["above"]


def test_titles_that_match_no_item(tmp_path: Path) -> None:
    (tmp_path / "titles.csv").write_text("item,title\n" + "".join(f"{n},Title {n}\n" for n in range(20)))
    table = [{**row, "item": f"{int(row['item'][1:]):05}"} for row in rows()]
    found = finding(statistics_of(tmp_path, table, titles=TitlesConfig("titles.csv")), "items_without_title")
    assert found["sentence"].startswith("0 of 20 items have a title (without one is '000")
    assert "; the file has '0')" in found["sentence"]
    assert found["above"]


def test_titles_that_were_dropped_are_counted(tmp_path: Path) -> None:
    (tmp_path / "titles.csv").write_text("item,title\ni1,One\ni2,Two, too\n")
    statistics = statistics_of(tmp_path, rows(), titles=TitlesConfig("titles.csv"), bad_rows="drop")
    assert finding(statistics, "titles_dropped")["sentence"].startswith(
        "1 of 2 rows of `feedback.titles.file` have a w"
    )


def test_likes_and_dislikes_by_month_and_by_user(tmp_path: Path) -> None:
    table = [{**row, "value": 5.0 if n < 200 else 1.0} for n, row in enumerate(rows(step=86_400))]
    statistics = statistics_of(tmp_path, table)
    assert finding(statistics, "polarity_of_months")["above"]
    assert sum(month["positive"] for month in statistics["months"].values()) <= 200
    assert next(iter(statistics["months"])) == "2013-04"
    liked = statistics_of(tmp_path, [{**row, "value": 5.0} for row in rows()])
    assert finding(liked, "users_of_one_polarity")["share"] == 1.0
    assert finding(liked, "items_of_one_polarity")["share"] == 1.0


def test_limits_are_settings(tmp_path: Path) -> None:
    statistics = statistics_of(tmp_path, rows() * 2, limits=LimitsConfig(repeated_rows=0.5, tied_rows=1.0))
    assert not finding(statistics, "repeated_rows")["above"]
    with pytest.raises(ValueError, match=r"`feedback\.limits\.tied_rows` must be a share from 0 to 1\. Received: 2"):
        LimitsConfig(tied_rows=2.0)


def test_the_page_holds_every_finding_and_escapes_what_it_shows(tmp_path: Path) -> None:
    table = [{**row, "user": f"<b>{row['user']}"} for row in rows() * 2]
    statistics = statistics_of(tmp_path, table)
    page = (tmp_path / "output" / "statistics" / "report.html").read_text(encoding="utf-8")
    assert "<b>u" not in page
    assert "&lt;b&gt;u" in page
    assert all(each["name"] + ":" in page for each in statistics["findings"])
    assert page.count('<rect class="like"') == len(statistics["months"])


def test_a_column_in_two_roles_is_refused() -> None:
    with pytest.raises(ValueError, match=r"both name the column 'timestamp'. Name the column of times and "):
        FeedbackConfig(["x"], columns=ColumnsConfig(value="timestamp"))
    FeedbackConfig(["x"], columns=ColumnsConfig(value="timestamp"), positive="column")
