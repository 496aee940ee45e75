"""Dates that do not look like dates are recognised."""

import numpy as np
import pytest

from pnfrec_columns.dates import date_form, date_hint, other_readings

NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("found", "form"),
    [
        ("'15.06.2013'", "%d.%m.%Y"),
        ("'15.06.2013 08:30'", "%d.%m.%Y %H:%M"),
        ("'06/15/2013'", "%m/%d/%Y` or `%d/%m/%Y"),
        ("'06/15/2013 08:30:00'", "%m/%d/%Y %H:%M:%S` or `%d/%m/%Y %H:%M:%S"),
        ("'2013/06/15'", "%Y/%m/%d"),
        ("'15 Jun 2013'", "%d %b %Y"),
        ("20130815213100", "%Y%m%d%H%M%S"),
    ],
)
def test_the_form_of_a_date_is_named(found: str, form: str) -> None:
    assert f"`{form}`" in date_hint(found) or f"'{form}'" in date_hint(found)


@pytest.mark.parametrize("found", ["'soon'", "''", "'-1'", "-1", "None", "20131399213100", "'1.2.3'"])
def test_what_is_no_date_gets_no_hint(found: str) -> None:
    assert date_hint(found) == ""


@pytest.mark.parametrize(
    ("times", "form"),
    [
        ([20130815, 20130816], "%Y%m%d"),
        ([20130815], "%Y%m%d"),
        ([20130815, 20131315], None),
        ([20130815, 201308], None),
        ([2013081521, 2013081600], "%Y%m%d%H"),
        ([201308152131], "%Y%m%d%H%M"),
        ([201308], "%Y%m"),
        ([2013, 2014], "%Y"),
        ([1366117800, 1376602288], None),
        ([1366117800123], None),
        ([0, 1, 15811, 379477], None),
        ([20130815] * 100 + [20131315], None),
        ([], None),
    ],
)
def test_whole_numbers_that_read_as_dates(times: list[int], form: str | None) -> None:
    assert date_form(np.array(times, np.int64)) == form


def test_what_early_times_may_count() -> None:
    assert other_readings(379_000, 381_000, "seconds", NOW) == [("hours", "2013-03-27", "2013-06-19")]
    assert other_readings(15_811, 15_900, "seconds", NOW) == [("days", "2013-04-16", "2013-07-14")]
    assert other_readings(22_768_630, 22_768_631, "seconds", NOW)[0][0] == "minutes"
    assert other_readings(1_366_117_800, 1_376_602_288, "seconds", NOW) == []
    assert other_readings(1, 2, "seconds", NOW) == []
