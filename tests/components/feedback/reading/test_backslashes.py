"""Quotes behind backslashes, as Spark writes them."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.feedback.config import FeedbackConfig, TitlesConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.plan import make_plan
from components.feedback.reading.quotes import DoubledQuotes
from components.feedback.reading.streams import CountedLines
from components.feedback.reading.titles import read_titles
from pnfrec_core.errors import FeedbackError

HEADER = "user,item,value,timestamp\n"
# The ids are: say "hi", ok | C:\dir | a\ | "
SPARK = HEADER + 'u,"say \\"hi\\", ok",1,1\nu,C:\\dir,1,2\nu,"a,\\\\",1,3\nu,"\\"",1,4\n'
ITEMS = ['say "hi", ok', "C:\\dir", "a,\\", '"']


def items(path: Path, **settings: str) -> list[str]:
    config = FeedbackConfig([str(path)], **settings)  # type: ignore[arg-type]
    batches = [batch.columns for piece in make_plan(config).pieces for batch in read_rows(piece, config)]
    return [columns.items.to_pylist()[code] for columns in batches for code in columns.item]


def spark_field(text: str) -> str:
    """A field as Spark's writer quotes it: backslashes are doubled where a quote follows them alone."""
    out = ""
    for place, letter in enumerate(text):
        rest = text[place:].lstrip("\\")
        out += "\\\\" if letter == "\\" and rest[:1] in ('"', "") else '\\"' if letter == '"' else letter
    return f'"{out}"'


def test_they_are_read_where_the_setting_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(SPARK)
    assert items(path, quotes="backslash") == ITEMS


def test_they_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(SPARK)
    with pytest.raises(FeedbackError, match=r"a quote inside a field is written behind a backslash.*Set `quotes"):
        items(path)
    for bad in ('u,"a \\" b",1,1\n', 'u,"\\"b",1,1\n', 'u,"b\\"",1,1\n'):
        path.write_text(HEADER + bad)
        with pytest.raises(FeedbackError, match="behind a backslash"):
            items(path)


def test_a_backslash_that_ends_a_field_is_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + 'u,"C:\\",1,1\nu,a\\b,1,2\nu,"say ""x""",1,3\n')
    assert items(path) == ["C:\\", "a\\b", 'say "x"']
    path.write_text(HEADER + 'u,"5\\""x",1,1\n')
    assert items(path, quotes="doubled") == ['5\\"x']


def test_in_dat_files_quotes_and_backslashes_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.dat"
    path.write_text('user::item::value::timestamp\nu::a \\"b\\"::1::2\n')
    assert items(path) == ['a \\"b\\"']


def test_titles_have_a_setting_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "titles.csv").write_text('item,title\n1,"He said \\"no\\", twice"\n2,plain\n')
    config = FeedbackConfig(["-"], base=str(tmp_path), titles=TitlesConfig("titles.csv", quotes="backslash"))
    assert read_titles(config).of_item == {"1": 'He said "no", twice', "2": "plain"}
    config = FeedbackConfig(["-"], base=str(tmp_path), titles=TitlesConfig("titles.csv"), bad_rows="drop")
    with pytest.raises(FeedbackError, match=r"titles\.csv: .*`feedback\.titles\.quotes`"):
        read_titles(config)


@given(st.lists(st.text('ab\\", \n', max_size=6), min_size=1, max_size=4), st.integers(1, 5))
def test_whatever_spark_quotes_comes_back(texts: list[str], block: int) -> None:
    written = ",".join(map(spark_field, texts)) + "\n"

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(block, size) if size and size > 0 else block)

    doubled = io.BufferedReader(DoubledQuotes(Slow(written.encode()))).read().decode()
    assert next(csv.reader(io.StringIO(doubled, newline=""))) == texts


@given(st.integers(1, 9))
def test_the_watch_sees_what_lies_across_blocks(size: int) -> None:
    stream = CountedLines(io.BytesIO(b'aaaaaaa,"b\\"c",1\n'), rb'\\"(?=[^,])')
    while stream.read(size):
        pass
    assert stream.found is not None
    assert b'\\"' in stream.found
