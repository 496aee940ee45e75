"""Paths with placeholders: what they match, what each path says, and what is wrong with them."""

import re

import pytest

from components.feedback.config import FeedbackConfig, TitlesConfig
from components.feedback.spans.config import SpansConfig
from components.feedback.spans.pattern import Place, SpanPattern, has_placeholder

DAY = 738_886  # 2024-01-01, in days since the year 1


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        ("in/span-{SPAN}/*.csv", "in/span-*/*.csv"),
        ("{SPAN:4}/v{VERSION}/a.csv", "[0-9][0-9][0-9][0-9]/v*/a.csv"),
        ("d={YYYY}-{MM}-{DD}/", "d=[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"),
    ],
)
def test_the_glob(pattern: str, glob: str) -> None:
    assert SpanPattern(pattern).glob == glob


@pytest.mark.parametrize(
    ("pattern", "path", "place"),
    [
        ("span-{SPAN}/*.csv", "span-7/a.csv", Place(7, 0, ("7", "0"))),
        ("span-{SPAN}/*.csv", "span-007/a.csv", Place(7, 0, ("007", "0"))),
        ("span-{SPAN}/*.csv", "span-x/a.csv", None),
        ("span-{SPAN}/*.csv", "span-7/b/a.csv", None),
        ("span-{SPAN}", "span-7/b/a.csv", Place(7, 0, ("7", "0"))),
        ("span-{SPAN}/**/*.csv", "span-7/b/c/a.csv", Place(7, 0, ("7", "0"))),
        ("span-{SPAN:2}/a.csv", "span-07/a.csv", Place(7, 0, ("07", "0"))),
        ("span-{SPAN:2}/a.csv", "span-7/a.csv", None),
        ("{SPAN}/v{VERSION}.csv", "3/v12.csv", Place(3, 12, ("3", "12"))),
        ("{YYYY}/{MM}/{DD}.csv", "2024/01/02.csv", Place(DAY + 1, 0, ("2024-01-02", "0"))),
        ("{YYYY}{MM}{DD}[ab]?.c*v", "20240102b1.csv", Place(DAY + 1, 0, ("2024-01-02", "0"))),
        ("{YYYY}{MM}{DD}[!b].csv", "20240102b.csv", None),
        ("{YYYY}/{MM}/log-{YYYY}{MM}{DD}.csv", "2024/01/log-20240102.csv", Place(DAY + 1, 0, ("2024-01-02", "0"))),
        ("{YYYY}/{MM}/log-{YYYY}{MM}{DD}.csv", "2024/02/log-20240102.csv", None),
    ],
)
def test_what_a_path_says(pattern: str, path: str, place: Place | None) -> None:
    assert SpanPattern(pattern).places("", [path]) == {path: place}
    assert SpanPattern(pattern).places("/data.d/[x]", [f"/data.d/[x]/{path}"]) == {f"/data.d/[x]/{path}": place}


def test_a_day_that_is_in_no_calendar() -> None:
    with pytest.raises(ValueError, match=r"2024-02-30\.csv matches '.*', and 2024-02-30 is no day of the calendar"):
        SpanPattern("{YYYY}-{MM}-{DD}.csv").places("", ["2024-02-30.csv"])


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{SPAN}/{YYYY}{MM}{DD}.csv", "holds both {SPAN} and a date."),
        ("{YYYY}-{MM}.csv", "holds a part of a date, and lacks {DD}."),
        ("{DD}.csv", "lacks {YYYY} and {MM}."),
        ("v{VERSION}.csv", "holds {VERSION} alone, which is of a span."),
        ("{SPAN}/{DATE}.csv", "holds {DATE}, which is no placeholder."),
        ("{span}.csv", "holds {span}, which is no placeholder."),
        ("{SPAN:x}.csv", "holds {SPAN:x}: only {SPAN:n}"),
        ("{SPAN:0}.csv", "holds {SPAN:0}: only {SPAN:n}"),
        ("{YYYY:2}{MM}{DD}.csv", "holds {YYYY:2}: only {SPAN:n}"),
        ("*{SPAN}.csv", "does not tell where the number of {SPAN} begins"),
        ("{SPAN}*.csv", "does not tell where the number of {SPAN} begins"),
        ("{SPAN}[0-9].csv", "does not tell where the number of {SPAN} begins"),
        ("{SPAN}{VERSION}.csv", "does not tell where the number of {SPAN} begins"),
        ("*{YYYY}{MM}{DD}.csv", "does not tell where the number of {YYYY} begins"),
    ],
)
def test_what_is_wrong_with_a_pattern(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^`feedback.files`: '{re.escape(pattern)}' .*{re.escape(problem)}"):
        FeedbackConfig(files=[pattern])


def test_a_name_with_braces_is_no_placeholder() -> None:
    assert not has_placeholder("{a}.csv")
    FeedbackConfig(files=["{a}.csv"])


def test_a_window_needs_spans() -> None:
    with pytest.raises(ValueError, match=r"^`feedback.spans.newest` \(3\) counts spans, and no path of"):
        FeedbackConfig(files=["a.csv"], spans=SpansConfig(3))
    with pytest.raises(ValueError, match=r"^`feedback.spans.newest` must be 0 \(all\) or more\. Received: -1\."):
        SpansConfig(-1)


def test_titles_are_one_file() -> None:
    with pytest.raises(ValueError, match=r"^`feedback.titles.file`: 't-\{SPAN\}.csv' has a placeholder of spans\."):
        FeedbackConfig(files=["a.csv"], titles=TitlesConfig("t-{SPAN}.csv"))
