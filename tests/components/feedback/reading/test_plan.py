"""Which files are read, in which order, and what is wrong with them before a row is read."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig, TitlesConfig
from components.feedback.reading import parquet, plan
from components.feedback.reading.files import file_format
from components.feedback.reading.input_files import expand_files
from components.feedback.reading.parquet import ParquetSource
from components.feedback.reading.source import Piece, Source
from components.feedback.reading.text import TextSource
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import support
from tests.components.feedback.reference import Row

HEADER = "user,item,value,timestamp\n"
ROW = "u,i,1,2\n"


def plan_of(folder: Path, *files: str, **settings: Any) -> plan.Plan:
    return plan.make_plan(FeedbackConfig(files=list(files), base=str(folder), **settings))


def error_of(folder: Path, *files: str, **settings: Any) -> str:
    with pytest.raises(FeedbackError) as caught:
        plan_of(folder, *files, **settings)
    return str(caught.value)


@pytest.mark.parametrize("name", ["[ab]", "a*", "what?", "[!x]", "[["])
def test_the_name_of_the_base_is_no_glob(tmp_path: Path, name: str) -> None:
    base = tmp_path / name
    (base / "deep").mkdir(parents=True)
    # What the name would mean as a glob.
    for other in ("a", "ab", "whatx"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "x.csv").write_text(HEADER + ROW)
    for path in ("x.csv", "deep/y.csv"):
        (base / path).write_text(HEADER + ROW)
    expected = [str(base / "deep" / "y.csv"), str(base / "x.csv")]
    assert expand_files(FeedbackConfig(files=["*.csv", "**/y.csv"], base=str(base))) == expected
    assert expand_files(FeedbackConfig(files=["x.csv", "deep/[y].csv"], base=str(base))) == expected
    (piece,) = plan.find_titles(
        FeedbackConfig(files=["x.csv"], base=str(base), titles=TitlesConfig("*/y.csv", "item", "user"))
    )
    assert piece.source.path == expected[0]
    assert error_of(base, "none.csv").startswith(f"`feedback.files`: there is no file {base}/none.csv. Relative paths")
    assert error_of(base, "none*").startswith(f"`feedback.files`: no file matches the glob {base}/none*. Relative glob")


def test_missing_file(tmp_path: Path) -> None:
    assert error_of(tmp_path, "none.csv") == (
        f"`feedback.files`: there is no file {tmp_path}/none.csv. Relative paths are taken from `feedback.base`."
    )


def test_glob_without_a_match_although_another_has_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + ROW)
    assert error_of(tmp_path, "*.csv", "*.parquet") == (
        f"`feedback.files`: no file matches the glob {tmp_path}/*.parquet. Relative globs are taken from "
        f"`feedback.base`."
    )


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "_SUCCESS").touch()
    assert error_of(tmp_path, "rows") == (
        f"`feedback.files`: the folder {tmp_path}/rows holds no file (names that begin with _ or . do not count)."
    )


def test_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "rows.log").write_text(HEADER + ROW)
    assert error_of(tmp_path, "rows.log").startswith(
        f"{tmp_path}/rows.log: the suffix does not tell the format. Known: "
    )
    assert plan_of(tmp_path, "rows.log", format="csv").pieces == (
        Piece(TextSource(str(tmp_path / "rows.log"), "csv"), is_first=True),
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.CSV", "csv"),
        ("a.csv.gz", "csv"),
        ("a.dat", "dat"),
        ("a.dat.gz", "dat"),
        ("a.pq", "parquet"),
        ("a.tsv", "csv"),
    ],
)
def test_format_by_suffix(name: str, kind: str) -> None:
    assert file_format(name, "auto") == kind
    assert file_format(name, "parquet") == "parquet"


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_empty_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert error_of(tmp_path, "a.csv") == f"{tmp_path}/a.csv: the file is empty. Expected a header and rows."


def test_empty_gzip(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    assert error_of(tmp_path, "a.csv.gz") == f"{tmp_path}/a.csv.gz: the file is empty. Expected a header and rows."


def test_header_only(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "\n\n")
    (tmp_path / "b.dat").write_text("user::item::value::timestamp\n")
    support.write_parquet(tmp_path / "c.parquet", [])
    assert error_of(tmp_path, "*") == (
        f"No input file has a data row: {tmp_path}/a.csv, {tmp_path}/b.dat, {tmp_path}/c.parquet. Check "
        f"`feedback.files`."
    )


def test_header_only_beside_rows_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER)
    (tmp_path / "b.csv").write_text(HEADER + ROW)
    assert plan_of(tmp_path, "*.csv") == plan.Plan(
        (Piece(TextSource(str(tmp_path / "b.csv"), "csv"), file=1, is_first=True),),
        1,
        FeedbackConfig(["*.csv"], base=str(tmp_path)),
        (f"{tmp_path}/a.csv has no data row.",),
        (f"{tmp_path}/a.csv has no data row.",),
    )


def test_missing_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,movie,value,time\nu,i,1,2\n")
    assert error_of(tmp_path, "a.csv") == (
        f"{tmp_path}/a.csv: no column 'item', 'timestamp'. Found: 'user', 'movie', 'value', 'time'. Map the columns "
        "with `feedback.columns`, give `feedback.names` if the file has no header, or set `feedback.delimiter` if the "
        "names are not apart."
    )
    assert plan_of(tmp_path, "a.csv", columns=ColumnsConfig(item="movie", timestamp="time")).pieces


def test_missing_column_of_parquet(tmp_path: Path) -> None:
    support.write_parquet(tmp_path / "a.parquet", [Row("u", "i", 1.0, 2)])
    message = error_of(tmp_path, "a.parquet", split="column", columns=ColumnsConfig(split="part"))
    assert message.startswith(f"{tmp_path}/a.parquet: no column 'part'. Found: 'user', 'item', ")


def test_column_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,value,timestamp,item\nu,i,1,2,j\n")
    assert error_of(tmp_path, "a.csv") == (
        f"{tmp_path}/a.csv: the column 'item' occurs 2 times. Give each column a name of its own."
    )


def test_only_needed_columns_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,timestamp,polarity\nu,i,2,1\n")
    assert plan_of(tmp_path, "a.csv", positive="column").pieces
    assert "no column 'value'" in error_of(tmp_path, "a.csv")


def test_names_stand_for_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("u::i::1::2\n")
    assert plan_of(tmp_path, "a.dat", names=["user", "item", "value", "timestamp"]).pieces
    assert "no column 'user', 'item', 'timestamp', 'value'. Found: 'u', 'i', '1', '2'." in error_of(tmp_path, "a.dat")


def test_not_parquet_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text(HEADER + ROW)
    message = error_of(tmp_path, "a.parquet")
    assert message.startswith(f"{tmp_path}/a.parquet: not a readable Parquet file (")
    assert message.endswith("). It seems to be text. Set `feedback.format`.")


def test_parquet_cut_short(tmp_path: Path) -> None:
    path = Path(support.write_parquet(tmp_path / "a.parquet", [Row("u", "i", 1.0, 2)] * 100))
    path.write_bytes(path.read_bytes()[:-20])
    assert error_of(tmp_path, "a.parquet").startswith(f"{tmp_path}/a.parquet: not a readable Parquet file (")


def test_gzip_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text(HEADER + ROW)
    message = error_of(tmp_path, "a.csv.gz")
    assert message.startswith(f"{tmp_path}/a.csv.gz: truncated or damaged gzip (")


def test_row_groups_are_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_PER_PIECE", 20)
    path = support.write_parquet(tmp_path / "a.parquet", [Row("u", "i", 1.0, 2)] * 47, row_group=10)
    assert plan_of(tmp_path, "a.parquet").pieces == (
        Piece(ParquetSource(path), (0, 1), 0, is_first=True),
        Piece(ParquetSource(path), (2, 3), 20),
        Piece(ParquetSource(path), (4,), 40),
    )


def test_one_shard_for_each_quarter_million_rows(tmp_path: Path) -> None:
    column = pa.array(["1"] * 250_001)
    pq.write_table(pa.table(dict.fromkeys(("user", "item", "value", "timestamp"), column)), tmp_path / "a.parquet")
    assert plan_of(tmp_path, "a.parquet").shards == 2
    assert plan_of(tmp_path, "a.parquet", shards=7).shards == 7


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        (
            "none.csv",
            "`feedback.titles.file`: there is no file {}/none.csv. Relative paths are taken from `feedback.base`.",
        ),
        (
            "rows.csv",
            "{}/rows.csv: no column 'title'. Found: 'user', 'item', 'value', 'timestamp'. Map the columns with "
            "`feedback.titles.item` and `feedback.titles.title`, give `feedback.titles.names` if the file has no "
            "header, or set `feedback.titles.delimiter` if the names are not apart.",
        ),
        (
            "*.csv",
            "`feedback.titles.file`: *.csv names several files, such as {0}/empty.csv and {0}/rows.csv. Name one.",
        ),
        ("empty.csv", "{}/empty.csv: the file is empty. Expected a header and rows."),
    ],
)
def test_titles_are_looked_into_first(tmp_path: Path, titles: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(HEADER + ROW)
    (tmp_path / "empty.csv").write_text("")
    assert error_of(tmp_path, "rows.csv", titles=TitlesConfig(titles)) == message.format(tmp_path)


def test_names_apart_by_another_delimiter(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text((HEADER + ROW).replace(",", "\t"))
    assert error_of(tmp_path, "a.csv").endswith(
        "separated by '\\t': set `feedback.delimiter` to that (and format: csv)."
    )
    assert plan_of(tmp_path, "a.csv", delimiter="\t").pieces


@pytest.mark.parametrize("names", [[], ["user", "item", "value", "timestamp"]])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((HEADER + ROW).encode("utf-16"), "is UTF-16 text. Save it as UTF-8."),
        ((HEADER + ROW).encode("utf-16-le"), "holds NUL bytes, so it is no UTF-8 text."),
        (gzip.compress(ROW.encode(), mtime=0), "is compressed by gzip. Add .gz to its name."),
        (b"PAR1 and so on", "is a Parquet file. Name it .parquet, or set `feedback.format: parquet`."),
    ],
)
def test_csv_that_is_no_text(tmp_path: Path, content: bytes, message: str, names: list[str]) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert error_of(tmp_path, "a.csv", names=names).startswith(f"{tmp_path}/a.csv: {message}")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Tests may run as root, who may read everything."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    (tmp_path / name).write_text(HEADER + ROW)
    monkeypatch.setattr(Source, "open", refuse)
    monkeypatch.setattr(pq, "ParquetFile", refuse)
    assert error_of(tmp_path, name) == (
        f"{tmp_path}/{name}: this user may not read the file. Change its permissions, or the user."
    )


@pytest.mark.parametrize("column", ["user", "value", "timestamp", "split"])
@pytest.mark.parametrize("value", [["a"], {"a": 1}])
def test_nested_column_of_parquet(tmp_path: Path, column: str, value: Any) -> None:
    row = {"user": "u", "item": "i", "value": 1.0, "timestamp": 1, "split": "train", column: value}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    message = error_of(tmp_path, "a.parquet", split="column")
    assert message.startswith(f"{tmp_path}/a.parquet: the column {column!r} holds ")
    assert message.endswith("; expected one text, number or date a row. Flatten it.")


def test_polarity_of_lists(tmp_path: Path) -> None:
    row = {"user": "u", "item": "i", "timestamp": 1, "polarity": ["p"]}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert "the column 'polarity' holds list<" in error_of(tmp_path, "a.parquet", positive="column")
