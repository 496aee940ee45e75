"""Which files of which spans are read, in which order, what is missing, and what the account says of it."""

import os
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.drift.config import DriftConfig
from components.feedback.reading.input_files import Input, find_input
from components.feedback.reading.inventory import inventory
from components.feedback.reading.plan import make_plan
from components.feedback.run import generate
from components.feedback.spans.config import SpansConfig
from components.feedback.spans.window import Spans, describe
from components.feedback.writing.summary import format_account
from pnfrec_core.errors import FeedbackError
from tests.components.feedback.made_up import NO_FILTER

HEADER = "user,item,value,timestamp\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + f"u,{name},1,2\n")


def find(folder: Path, *files: str, newest: int = 0) -> Input:
    return find_input(FeedbackConfig(files=list(files), base=str(folder), spans=SpansConfig(newest)))


def names(folder: Path, *files: str, newest: int = 0) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in find(folder, *files, newest=newest).files]


def spans_of(folder: Path, *files: str, newest: int = 0) -> Spans:
    found = find(folder, *files, newest=newest).spans
    assert found is not None
    return found


def error_of(folder: Path, *files: str) -> str:
    with pytest.raises(FeedbackError) as caught:
        find(folder, *files)
    return str(caught.value)


def test_the_newest_spans_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, *(f"span-{number}/{name}.csv" for number in (2, 9, 10, 11) for name in "ba"))
    pattern = "span-{SPAN}/*.csv"
    assert names(tmp_path, pattern, newest=2) == ["span-10/a.csv", "span-10/b.csv", "span-11/a.csv", "span-11/b.csv"]
    # By the path 10 would come before 2.
    assert [name[:-6] for name in names(tmp_path, pattern)[::2]] == ["span-2", "span-9", "span-10", "span-11"]
    assert spans_of(tmp_path, pattern, newest=3).older == 1
    assert spans_of(tmp_path, pattern, newest=30).read == [2, 9, 10, 11]


def test_a_folder_of_a_span_means_all_its_files(tmp_path: Path) -> None:
    write(
        tmp_path,
        "span-1/a.csv",
        "span-1/deep/b.csv",
        "span-1/_SUCCESS",
        "span-1/.a.crc",
        "span-2/_tmp/a.csv",
        "x/a.csv",
    )
    for pattern in ("span-{SPAN}", "span-{SPAN}/", f"{tmp_path}/span-{{SPAN}}"):
        assert names(tmp_path, pattern) == ["span-1/a.csv", "span-1/deep/b.csv"]
    # A glob means files alone, as it does without placeholders.
    assert names(tmp_path, "span-{SPAN}/*") == ["span-1/a.csv"]


def test_the_newest_version_of_a_span_counts(tmp_path: Path) -> None:
    write(tmp_path, "1/v9/a.csv", "1/v10/a.csv", "1/v10/b.csv", "2/v1/a.csv")
    found = spans_of(tmp_path, "{SPAN}/v{VERSION}/*.csv")
    assert names(tmp_path, "{SPAN}/v{VERSION}/*.csv") == ["1/v10/a.csv", "1/v10/b.csv", "2/v1/a.csv"]
    assert found.replaced == 1


def test_spans_of_several_patterns_are_the_same_and_files_without_one_come_first(tmp_path: Path) -> None:
    write(tmp_path, "z.csv", "plays/1.csv", "plays/2.csv", "plays/3.csv", "likes/1.csv", "likes/3.csv")
    patterns = ("plays/{SPAN}.csv", "likes/{SPAN}.csv", "z.csv")
    assert names(tmp_path, *patterns, newest=2) == ["z.csv", "plays/2.csv", "likes/3.csv", "plays/3.csv"]
    assert spans_of(tmp_path, *patterns, newest=2).missing == 0


def test_missing_days_are_named(tmp_path: Path) -> None:
    write(tmp_path, *(f"{day}.csv" for day in ("2024-02-27", "2024-02-28", "2024-03-01", "2024-03-04")))
    found = spans_of(tmp_path, "{YYYY}-{MM}-{DD}.csv", newest=3)
    assert found.as_dict() == {
        "kind": "date",
        "first": "2024-02-28",
        "last": "2024-03-04",
        "read": 3,
        "missing": 3,
        "gaps": [["2024-02-29", "2024-02-29"], ["2024-03-02", "2024-03-03"]],
        "older": 1,
        "replaced": 0,
    }
    assert list(found.warnings()) == [
        "`feedback.files`: of the days 2024-02-28 to 2024-03-04 3 are missing: 2024-02-29, 2024-03-02 to 2024-03-03. "
        "They are read by the first run that finds them."
    ]
    assert describe(found.as_dict()) == "2024-02-28 to 2024-03-04: 3 days, 3 missing, 1 before them not read"


def test_numbers_that_are_dates_get_the_remedy(tmp_path: Path) -> None:
    write(tmp_path, "20240131.csv", "20240201.csv")
    (warning,) = spans_of(tmp_path, "{SPAN}.csv").warnings()
    assert "69 are missing: 20240132 to 20240200." in warning
    assert warning.endswith("write {YYYY}{MM}{DD} in the place of {SPAN}, and no month ends in a gap.")
    assert not list(spans_of(tmp_path, "{YYYY}{MM}{DD}.csv").warnings())


def test_a_path_without_a_number_is_told(tmp_path: Path) -> None:
    write(tmp_path, "span-1.csv", "span-one.csv")
    assert list(spans_of(tmp_path, "span-{SPAN}.csv").warnings()) == [
        "`feedback.files`: 1 path has no number where the pattern has one, and is not read, such as "
        f"{tmp_path}/span-one.csv."
    ]


def test_no_span_is_found(tmp_path: Path) -> None:
    write(tmp_path, "span-x/a.csv")
    assert error_of(tmp_path, "span-{SPAN}/*.csv") == (
        "`feedback.files`: no file is found for 'span-{SPAN}/*.csv' (looked for span-*/*.csv). Relative paths are "
        "taken from `feedback.base`."
    )


def test_numbers_and_dates_have_no_order(tmp_path: Path) -> None:
    write(tmp_path, "1.csv", "2024-01-01.csv")
    assert error_of(tmp_path, "{SPAN}.csv", "{YYYY}-{MM}-{DD}.csv").startswith(
        "`feedback.files`: '{SPAN}.csv' numbers its spans and '{YYYY}-{MM}-{DD}.csv' dates them"
    )


def test_one_span_in_two_forms_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "span-1/a.csv", "span-01/a.csv", "v/1/01.csv", "v/1/1.csv")
    assert error_of(tmp_path, "span-{SPAN}/*.csv") == (
        f"`feedback.files`: {tmp_path}/span-01/a.csv and {tmp_path}/span-1/a.csv are of the same span, written 01 and "
        "1. Remove one of them, or write both alike."
    )
    assert "are of the same version of span 1, written 01 and 1." in error_of(tmp_path, "v/{SPAN}/{VERSION}.csv")


def test_late_corrected_and_replaced_days_change_the_inventory_and_old_ones_do_not(tmp_path: Path) -> None:
    config = FeedbackConfig(files=["{YYYY}-{MM}-{DD}-v{VERSION}.csv"], base=str(tmp_path), spans=SpansConfig(newest=3))
    write(tmp_path, "2024-01-01-v1.csv", "2024-01-03-v1.csv", "2024-01-04-v1.csv", "2024-01-05-v1.csv")
    met = [inventory(config)]
    (tmp_path / "2024-01-01-v1.csv").unlink()  # outside the window
    assert inventory(config) == met[0]
    write(tmp_path, "2024-01-02-v1.csv")  # late, and outside too
    assert inventory(config) == met[0]
    path = tmp_path / "2024-01-04-v1.csv"
    state = path.stat()
    path.write_text(path.read_text().replace(",1,2", ",1,3"))  # corrected, with the same size and time
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    met.append(inventory(config))
    write(tmp_path, "2024-01-03-v2.csv")  # another version
    met.append(inventory(config))
    write(tmp_path, "2024-01-06-v1.csv")
    met.append(inventory(config))
    assert len(set(met)) == 4


def test_the_account_tells_the_spans(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        rows = (f"u{user},i{item},{item % 2},{number * 100 + item}\n" for user in range(4) for item in range(6))
        (tmp_path / f"{number}.csv").write_text(HEADER + "".join(rows))
    settings: dict[str, Any] = {"positive": 1.0, "base": str(tmp_path), **NO_FILTER}
    rules = FeedbackConfig(files=["{SPAN}.csv"], spans=SpansConfig(2), drift=DriftConfig("stop"), **settings)
    statistics = generate(rules, tmp_path / "out")
    assert statistics["rows"]["read"] == 48
    assert statistics["spans"]["gaps"] == [["3", "3"]]
    assert statistics["warnings"][0].startswith("`feedback.files`: of the spans 2 to 4 1 is missing: 3. It is read by")
    assert statistics["drift"]["stops"] == [], "a day that is missing is no day that is wrong"
    assert format_account(statistics).startswith(
        "Spans: 2 to 4: 2 spans, 1 missing, 1 before them not read\nRead: 48 r"
    )
    plain = generate(FeedbackConfig(files=["2.csv", "4.csv"], **settings), tmp_path / "plain")
    assert plain["spans"] is None
    assert not format_account(plain).startswith("Spans")
    for path in (tmp_path / "plain").rglob("*.gz"):
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(tmp_path / "plain")).read_bytes()


def test_a_day_without_rows_is_there(tmp_path: Path) -> None:
    write(tmp_path, "1.csv", "3.csv")
    (tmp_path / "2.csv").write_text("")
    plan = make_plan(FeedbackConfig(files=["{SPAN}.csv"], base=str(tmp_path)))
    assert plan.warnings == (f"{tmp_path}/2.csv: the file is empty. Expected a header and rows.",)
