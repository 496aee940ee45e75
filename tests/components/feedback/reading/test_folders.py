"""Folders as engines leave them: what counts as data, columns in their names, and tables that are no plain folders."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.files import path_columns
from components.feedback.reading.input_files import expand_files
from components.feedback.reading.plan import make_plan
from pnfrec_core.errors import FeedbackError

CSV = "user,item,value,timestamp\nu,i,1,2\n"


def write(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(CSV)


def found(base: Path, *patterns: str) -> list[str]:
    return [str(Path(path).relative_to(base)) for path in expand_files(FeedbackConfig(list(patterns), base=str(base)))]


SPARK = (
    "out/part-0.csv",
    "out/part-1.csv",
    "out/_temporary/0/task_0/part-0.csv",
    "out/_SUCCESS",
    "out/.part-0.csv.crc",
    "out/.ipynb_checkpoints/part-0.csv",
)


PATTERNS = ("out", "out/", "./out", "out/*", "out/**", "out/**/*.csv", "**/*.csv", "*/p*", "o*/*.csv")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_names_that_begin_with_an_underscore_or_a_dot_are_no_data(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, *SPARK)
    assert found(tmp_path, pattern) == ["out/part-0.csv", "out/part-1.csv"]


def test_what_is_named_outright_counts_whatever_its_name_is(tmp_path: Path) -> None:
    write(tmp_path, "_data/.hidden/_rows.csv", "_data/.hidden/rows.csv")
    assert found(tmp_path, "_data/.hidden/_rows.csv") == ["_data/.hidden/_rows.csv"]
    assert found(tmp_path, "_data/.hidden/*.csv") == ["_data/.hidden/rows.csv"]
    assert found(tmp_path, "_data/.hidden") == ["_data/.hidden/rows.csv"]


def test_links_that_lead_back_and_what_is_no_file_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "out/a.csv", "out/deep/b.csv")
    (tmp_path / "out" / "deep" / "back").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "again").symlink_to(tmp_path / "out" / "deep")
    (tmp_path / "out" / "gone.csv").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "out" / "pipe.csv")
    assert found(tmp_path, "out") == ["out/a.csv", "out/again/b.csv"]


@pytest.mark.parametrize("base", ["a[1]", "what?", "st*r", "_base/.x"])
def test_signs_of_globs_in_the_base_mean_nothing(tmp_path: Path, base: str) -> None:
    write(tmp_path / base, "rows/a.csv", "rows/b.csv")
    assert found(tmp_path / base, "rows/*.csv") == ["rows/a.csv", "rows/b.csv"]
    assert found(tmp_path / base, "rows") == ["rows/a.csv", "rows/b.csv"]


@pytest.mark.parametrize(
    ("mark", "file", "kind"),
    [
        ("t/_delta_log", "t/part-0.csv", "Delta Lake"),
        ("t/_delta_log", "t/dt=2013-05/country=de/part-0.csv", "Delta Lake"),
        ("t/.hoodie", "t/2013/05/part-0.csv", "Apache Hudi"),
        ("t/metadata", "t/data/dt=2013-05/part-0.csv", "Apache Iceberg"),
    ],
)
def test_a_table_with_a_log_is_refused(tmp_path: Path, mark: str, file: str, kind: str) -> None:
    write(tmp_path, file)
    (tmp_path / mark).mkdir(parents=True)
    (tmp_path / mark / "v1.metadata.json").touch()
    for pattern in (file, "t/**/*.csv", "t"):
        with pytest.raises(FeedbackError, match=rf"`feedback.files`: {tmp_path}/t is a table of {kind}.* Export it"):
            found(tmp_path, pattern)


def test_a_folder_called_metadata_makes_no_table(tmp_path: Path) -> None:
    write(tmp_path, "t/rows.csv", "t/data/rows.csv")
    (tmp_path / "t/metadata").mkdir()
    (tmp_path / "t/metadata/readme.txt").touch()
    assert found(tmp_path, "t/**/*.csv") == ["t/data/rows.csv", "t/rows.csv"]


def rows_of(base: Path, *patterns: str, **settings: Any) -> list[tuple[str, str, int]]:
    config = FeedbackConfig(list(patterns), base=str(base), **settings)
    rows = []
    for piece in make_plan(config).pieces:
        for batch in read_rows(piece, config):
            columns = batch.columns
            split = columns.split.tolist() if columns.split is not None else [0] * len(columns)
            users, items = columns.users.to_pylist(), columns.items.to_pylist()
            rows += [(users[u], items[i], s) for u, i, s in zip(columns.user, columns.item, split, strict=True)]
    return rows


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_folders_named_like_a_column_are_that_column(tmp_path: Path, suffix: str) -> None:
    for split, user in (("train", "u"), ("test", "v")):
        table = pa.table({"user": [user], "value": [1.0], "timestamp": [2]})
        folder = tmp_path / f"split={split}" / "item=a%2Fb c"
        folder.mkdir(parents=True)
        if suffix == "parquet":
            pq.write_table(table, folder / "part-0.parquet")
        else:
            (folder / "part-0.csv").write_text(f"user,value,timestamp\n{user},1.0,2\n")
    assert rows_of(tmp_path, ".", split="column") == [("v", "a/b c", 2), ("u", "a/b c", 0)]


def test_the_column_inside_the_file_counts(tmp_path: Path) -> None:
    write(tmp_path, "user=w/item=x/rows.csv")
    assert rows_of(tmp_path, "user=w/item=x/rows.csv") == [("u", "i", 0)]


def test_a_folder_that_stands_for_no_value_has_bad_rows(tmp_path: Path) -> None:
    folder = tmp_path / "item=__HIVE_DEFAULT_PARTITION__"
    folder.mkdir()
    (folder / "rows.csv").write_text("user,value,timestamp\nu,1,2\n")
    with pytest.raises(FeedbackError, match=r"line 2, column 'item': expected a non-empty id in UTF-8, found None"):
        rows_of(tmp_path, ".")


def test_a_column_that_neither_the_file_nor_its_folders_have_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "dt=2013-05"
    folder.mkdir()
    (folder / "rows.csv").write_text("user,item,value\nu,i,1\n")
    with pytest.raises(FeedbackError, match=r"no column 'timestamp'\. Found: 'user', 'item', 'value'"):
        rows_of(tmp_path, ".")
    columns = ColumnsConfig(timestamp="dt")
    with pytest.raises(FeedbackError, match=r"column 'dt': expected a whole number .* found '2013-05'"):
        rows_of(tmp_path, ".", columns=columns)
    assert rows_of(tmp_path, ".", columns=columns, time_format="%Y-%m") == [("u", "i", 0)]


def test_what_a_path_says() -> None:
    assert path_columns("/a/dt=2013-05/x=1=2/=y/part=9.csv") == {"dt": "2013-05", "x": "1=2"}
