"""Quotes that are not closed, and files that only look as if they had some."""

import gzip
import io
from pathlib import Path
from typing import Literal

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading import text as text_module
from components.feedback.reading.batches import read_rows
from components.feedback.reading.plan import make_plan
from components.feedback.reading.streams import CountedLines
from components.feedback.run import generate
from pnfrec_core.errors import FeedbackError

HEADER = "user,item,value,timestamp,comment\n"


def rows(comments: dict[int, str]) -> str:
    """64 rows of 8 users and 8 items; row n stands on line n + 2."""
    lines = [
        f"u{row // 8},i{row % 8},{row % 5 + 1},{1_400_000_000 + row},{comments.get(row, 'fine')}\n" for row in range(64)
    ]
    return HEADER + "".join(lines)


def read(tmp_path: Path, text: str, name: str = "rows.csv") -> int:
    file = tmp_path / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    statistics = generate(FeedbackConfig(files=[str(file)], positive=3, split="leave_one_out"), tmp_path / "out")
    return int(statistics["rows"]["read"])


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
def test_an_open_quote_that_swallows_the_rest_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(FeedbackError, match=rf"{name}: the record that begins on line 12 has a quote .* not closed"):
        read(tmp_path, rows({10: '"oops'}), name)
    assert not (tmp_path / "out").exists()


def test_two_open_quotes_that_swallow_what_is_between_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="begins on line 12 has a quote"):
        read(tmp_path, rows({10: '"oops', 20: '"again'}))


def test_line_breaks_quotes_and_empty_lines_where_they_may_be(tmp_path: Path) -> None:
    comments = {3: '"two\nlines"', 5: '"she said ""no"""', 7: '5" wide'}
    assert read(tmp_path, rows(comments).replace("u2,i0", "\n\nu2,i0") + "\n\n") == 64


def test_a_field_beyond_the_limit_of_pythons_reader(tmp_path: Path) -> None:
    long = '"' + "x" * 200_000 + '\nrest"'
    assert read(tmp_path, rows({40: long})) == 64


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "utf16.csv"
    file.write_bytes(rows({}).encode("utf-16"))
    with pytest.raises(FeedbackError, match=r"utf16\.csv: "):
        generate(FeedbackConfig(files=[str(file)], positive=3), tmp_path / "out")


def test_a_file_is_read_once_however_it_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(rows({}))
    (tmp_path / "link.csv").symlink_to(tmp_path / "rows.csv")
    names = ["rows.csv", "./rows.csv", "link.csv"]
    config = FeedbackConfig(files=names, base=str(tmp_path), positive=3, split="leave_one_out")
    assert generate(config, tmp_path / "out")["rows"]["read"] == 64


@pytest.mark.parametrize(
    ("text", "lines"),
    [(b"a\nb\n", 2), (b"a\nb", 2), (b"a\n\nb\n", 2), (b"", 0), (b"a\r\nb\r\n", 2), (b"a\rb\r", 2), (b"a\rb", 2)],
)
def test_lines_with_something_in_them_are_counted(text: bytes, lines: int) -> None:
    counted = CountedLines(io.BytesIO(text))
    while counted.read(100):
        pass
    assert counted.lines == lines


@pytest.mark.parametrize("bad_rows", ["error", "drop"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz"])
@pytest.mark.parametrize(("open_row", "column"), [(0, "user"), (0, "comment"), (10, "user"), (10, "comment")])
@pytest.mark.parametrize("block", [512, 8 << 20])
def test_where_the_quote_opens(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bad_rows: Literal["error", "drop"],
    name: str,
    open_row: int,
    column: str,
    block: int,
) -> None:
    """Also where the rest is longer than a block, which Arrow gives up at."""
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", block)
    text = rows({open_row: '"oops'} if column == "comment" else {})
    if column == "user":
        start = f"u{open_row // 8},i{open_row % 8},"
        text = text.replace(start, f'"{start}')
    file = tmp_path / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    config = FeedbackConfig(files=[str(file)], positive=3, split="leave_one_out", bad_rows=bad_rows)
    (piece,) = make_plan(config).pieces
    with pytest.raises(FeedbackError, match=f"{name}: the record that begins on line {open_row + 2} has a quote"):
        list(read_rows(piece, config))


def test_an_open_quote_in_the_header(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match=r"rows\.csv: the header has a quote that is not closed"):
        read(tmp_path, rows({}).replace("comment", '"comment'))


def test_an_open_quote_between_carriage_returns(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="begins on line 12 has a quote"):
        read(tmp_path, rows({10: '"oops'}).replace("\n", "\r"))


def test_a_closed_record_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_BLOCK_BYTES", 512)
    with pytest.raises(FeedbackError, match=r"rows\.csv: holds a record of more than 0 MB\. Shorten it"):
        read(tmp_path, rows({10: '"' + "x" * 5000 + '"'}))
