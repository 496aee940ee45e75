"""Files whose rows are of another day, or in another place among the spans, than their names say."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.plausibility.limits import LimitsConfig
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.run import generate
from components.feedback.spans.config import SpansConfig

UTC = datetime.timezone.utc
HEADER = "user,item,value,timestamp\n"
NO_FILTER: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1, "min_positives": 1, "positive": 1.0}
MONDAY = datetime.date(2024, 1, 1)


def after(days: int) -> datetime.date:
    return MONDAY + datetime.timedelta(days)


def rows_of(day: datetime.date, count: int = 24, hours: float = 24.0, seed: int = 0) -> str:
    """Rows over the hours from the beginning of a day (UTC), other ones with each seed."""
    begin = datetime.datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    step = int(hours * 3600 / count)
    return "".join(
        f"u{(seed + row) % 5},i{(3 * seed + row) % 7},{(seed + row) % 2},{int(begin) + row * step}\n"
        for row in range(count)
    )


def write(folder: Path, name: str, rows: str) -> None:
    (folder / name).write_text(HEADER + rows)


def told(folder: Path, pattern: str = "{YYYY}-{MM}-{DD}.csv", **settings: Any) -> list[str]:
    """The warnings about files of spans."""
    config = FeedbackConfig([pattern], base=str(folder), **NO_FILTER, **settings)
    output = folder.with_name(f"{folder.name}-out-{len(list(folder.parent.iterdir()))}")
    return [text for text in generate(config, output)["warnings"] if "than their names" in text or "the span" in text]


@pytest.fixture
def days(tmp_path: Path) -> Path:
    """Eight files, of a day each."""
    folder = tmp_path / "days"
    folder.mkdir()
    for number in range(8):
        write(folder, f"{after(number)}.csv", rows_of(after(number), seed=number))
    return folder


def test_files_of_their_days_are_fine(days: Path) -> None:
    assert told(days) == []


def test_a_day_amid_the_window_with_rows_of_another_day_is_told(days: Path) -> None:
    write(days, f"{after(4)}.csv", rows_of(after(1), seed=50))
    assert told(days) == [
        "`feedback.files`: of 8 files the rows of 1 are of another day than their names say: "
        f"{days}/2024-01-05.csv (24 of 24 rows; its rows are of 2024-01-02). Look at them: the name or the rows may be "
        "of another day, or those of a day may be delivered twice."
    ]
    assert told(days, limits=LimitsConfig(rows_of_other_days=1.0)) == []
    assert told(days, spans=SpansConfig(newest=3)) == [], "that day is no longer read"


def test_the_day_before_once_more_is_told_though_its_bytes_are_others(days: Path) -> None:
    write(days, f"{after(4)}.csv", "".join(reversed(rows_of(after(3), seed=3).splitlines(keepends=True))))
    (text,) = told(days)
    assert f"{days}/2024-01-05.csv (24 of 24 rows; its rows are of 2024-01-04)" in text


def test_two_days_in_a_file_and_a_few_late_rows(days: Path) -> None:
    write(days, f"{after(6)}.csv", rows_of(after(6), seed=6) + rows_of(after(2), 3, seed=60))
    assert told(days) == [], "a tenth of late rows is no other day"
    write(days, f"{after(6)}.csv", rows_of(after(6), seed=6) + rows_of(after(2), 24, seed=60))
    (text,) = told(days)
    assert "2024-01-07.csv (24 of 48 rows; its rows are of 2024-01-03 to 2024-01-07)" in text


def test_what_most_files_do_is_what_their_names_mean(tmp_path: Path) -> None:
    for name, first, hours in (("delivered", -1, 24), ("zone", 0, 30), ("weeks", 0, 7 * 24)):
        folder = tmp_path / name
        folder.mkdir()
        step = 7 if name == "weeks" else 1
        for number in range(6):
            rows = rows_of(after(number * step + first), 70, hours, seed=number)
            write(folder, f"{after(number * step)}.csv", rows)
        assert told(folder) == [], name
    write(tmp_path / "weeks", f"{after(21)}.csv", rows_of(after(0), 70, 7 * 24, seed=9))
    assert len(told(tmp_path / "weeks")) == 1


def test_one_file_has_nothing_beside_it(tmp_path: Path) -> None:
    for number, (name, expected) in enumerate((("2024-01-01", 0), ("2024-01-02", 0), ("2024-01-03", 1))):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, f"{name}.csv", rows_of(MONDAY))
        assert len(told(folder)) == expected, name


def test_a_quiet_day_is_not_told_for_its_hours(days: Path) -> None:
    write(days, f"{after(4)}.csv", rows_of(after(3), 5, seed=50))
    assert told(days) == [], "five rows of the evening before"


@pytest.mark.parametrize("unit", ["milliseconds", "days", "order"])
def test_units(days: Path, unit: Any) -> None:
    for number in range(8):
        day = after(1 if number == 4 else number)
        times = {"milliseconds": 86_400_000 * (day - datetime.date(1970, 1, 1)).days}
        times |= {"days": (day - datetime.date(1970, 1, 1)).days, "order": number}
        rows = "".join(f"u{row % 5},i{(row + number) % 7},{row % 2},{times[unit]}\n" for row in range(24))
        write(days, f"{after(number)}.csv", rows)
    assert len(told(days, time_unit=unit)) == (0 if unit == "order" else 1)


def test_kept_rows_are_looked_at_too(days: Path, tmp_path: Path) -> None:
    write(days, f"{after(4)}.csv", rows_of(after(1), seed=50))
    keep = KeepReadConfig(mode="always", folder=str(tmp_path / "kept"))
    assert len(told(days, keep_read=keep)) == 1
    assert list((tmp_path / "kept").iterdir())
    assert len(told(days, keep_read=keep)) == 1


def test_what_was_shown_at_random_is_looked_at_too(days: Path) -> None:
    for number in range(8):
        write(days, f"random-{after(number)}.csv", rows_of(after(1 if number == 4 else number), seed=number + 100))
    (text,) = told(days, random_files=["random-{YYYY}-{MM}-{DD}.csv"])
    assert text.startswith("`feedback.files`: of 16 files the rows of 1 are of another day than their names say: ")
    assert f"say: {days}/random-2024-01-05.csv (" in text


def test_numbered_spans_go_on_in_time(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path, f"{number}.csv", rows_of(after(number), seed=number))
    assert told(tmp_path, "{SPAN}.csv") == []
    write(tmp_path, "4.csv", rows_of(after(1), seed=40))
    assert told(tmp_path, "{SPAN}.csv") == [
        "`feedback.files`: of 6 spans 1 are older than the span before (4 ends 2024-01-02 23:00:00 UTC, before 3 "
        "begins). Look at them and at those beside: a number or the rows may be of another span."
    ]
