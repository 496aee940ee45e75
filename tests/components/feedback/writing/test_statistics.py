"""The account of rows, its summary, and what stops a run."""

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.errors import feedback_error_within
from components.feedback.writing.statistics import make_statistics
from components.feedback.writing.summary import format_summary
from pnfrec_columns.units import time_text
from pnfrec_core.errors import FeedbackError

CONFIG = FeedbackConfig(files=["-"])
COUNTS = {
    "rows_read": 2_000,
    "unit_seconds": 1_990,
    "dropped_bad_value": 10,
    "dropped_duplicate": 40,
    "dropped_rare_item": 150,
    "kept_train_positive": 1_000,
    "kept_train_negative": 600,
    "kept_validation_positive": 50,
    "kept_validation_negative": 50,
    "kept_test_positive": 60,
    "kept_test_negative": 40,
    "users_read": 120,
    "users_filtered": 110,
    "users_training": 100,
    "users_heldout": 30,
    "users_heldout_enough": 25,
    "rows_filtered": 1_800,
    "rows_training": 1_600,
    "examples_train": 90,
    "examples_validation": 12,
    "examples_validation_positive": 12,
    "examples_test": 13,
    "examples_test_positive": 13,
    "seen_targets_test": 2,
}
ITEMS = {"read": 70, "filtered": 60, "catalogue": 55}

SUMMARY = """\
Read: 2,000 rows, 120 users, 70 items
          10 dropped: value not a finite number
          40 dropped: another row of the user and item stays (duplicates)
         150 dropped: item with too few users (min_item_users)
After the filters: 1,800 rows, 110 users, 60 items
Split: global_time, held out from 1376602288 (2013-08-15 21:31:28 UTC), 30 users with held-out rows known to training
Training: 1,600 rows, 100 users, 55 items in the catalogue
Positive: value >= 3.5, the median of the training rows

                examples           p           n        rows    positive    negative
train                 90                               1,600       1,000         600
validation            12          12           0         100          50          50
test                  13          13           0         100          60          40

Warning: a.csv has no data row.
Warning: No test target is negative: that group cannot be measured.
Warning: 2 test targets are already in their history, so they can only be missed; `duplicates: first` avoids that.
"""


def test_summary() -> None:
    made = make_statistics(COUNTS, CONFIG, 1376602288, 3.5, ITEMS, ["a.csv has no data row."])
    assert format_summary(made) == SUMMARY


@pytest.mark.parametrize(
    ("positive", "threshold", "line"),
    [
        (8, 8.0, "Positive: value >= 8"),
        ("user_median", None, "Positive: value >= the user's own median"),
        ("column", 0.5, "Positive: what the polarity column says"),
    ],
)
def test_summary_of_other_rules(positive: float | str, threshold: float | None, line: str) -> None:
    config = FeedbackConfig(files=["-"], positive=positive, split="leave_one_out")  # type: ignore[arg-type]
    counts = {name: number for name, number in COUNTS.items() if name not in ("dropped_bad_value", "seen_targets_test")}
    made = make_statistics(counts | {"rows_read": 1_990}, config, None, threshold, ITEMS, [])
    lines = format_summary(made).splitlines()
    assert lines[6] == line
    assert lines[4] == "Split: leave_one_out, 30 users with held-out rows"


@pytest.mark.parametrize(
    ("unit", "dates"),
    [("seconds", ("2013-08-15 21:31:28 UTC", "2013-08-16 21:31:28 UTC")), ("order", (None, None))],
)
def test_the_span_of_the_times_is_told_as_dates_where_they_are_any(unit: str, dates: tuple[str | None, ...]) -> None:
    first, last = 1376602288, 1376602288 + 86_400
    counts = {name: number for name, number in COUNTS.items() if name != "unit_seconds"} | {f"unit_{unit}": 1_990}
    made = make_statistics(counts, CONFIG, 1376602288, 3.5, ITEMS, [], span=(first, last))
    told = dict(zip(("first_date", "last_date"), dates, strict=True))
    assert made["times"] == {"first": first, "last": last, "unit": unit, **told}
    none = make_statistics(counts, CONFIG, None, 3.5, ITEMS, [])["times"]
    assert [none[name] for name in ("first", "last", "first_date", "last_date")] == [None] * 4


def test_a_row_that_is_not_accounted_for_is_a_fault() -> None:
    with pytest.raises(RuntimeError, match=r"^2001 rows were read but 2000 are accounted for: .*Report this fault\.$"):
        make_statistics({**COUNTS, "rows_read": 2_001}, CONFIG, None, 1.0, ITEMS, [])


@pytest.mark.parametrize(
    ("time", "unit", "text"),
    [
        (1376602288, "seconds", "2013-08-15 21:31:28 UTC"),
        (1376602288999, "milliseconds", "2013-08-15 21:31:28 UTC"),
        (1376602288999999, "microseconds", "2013-08-15 21:31:28 UTC"),
        (1376602288999999, "dates", "2013-08-15 21:31:28 UTC"),
        (1376602288999999999, "nanoseconds", "2013-08-15 21:31:28 UTC"),
        (None, "seconds", None),
        (5, None, None),
    ],
)
def test_time_as_a_date(time: int | None, unit: str | None, text: str | None) -> None:
    assert time_text(time, unit) == text


MESSAGE = "a.csv, line 3, column 'value': expected a finite number, found 'x'. Correct the row."


@pytest.mark.parametrize(
    "error",
    [
        FeedbackError(MESSAGE),
        FeedbackError(f"{MESSAGE} [while running 'Feedback/Read']"),
        RuntimeError(
            f"Traceback ...\ncomponents.feedback.errors.FeedbackError: {MESSAGE}\n\nDuring handling of the above\n"
            f"components.feedback.errors.FeedbackError: {MESSAGE} [while running 'Feedback/Read']\n"
        ),
    ],
)
def test_the_error_within(error: Exception) -> None:
    found = feedback_error_within(error)
    assert str(found) == MESSAGE
    # Raising an error from itself would make a circle of causes.
    assert found is not error


def test_no_such_error_within() -> None:
    assert feedback_error_within(RuntimeError("something else")) is None
