"""Rows that are kept as they were read: the same rows, by all that they depend on, and none that are damaged."""

import dataclasses
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig
from components.feedback.reading import keep, kept, text
from components.feedback.reading.batches import read_rows
from components.feedback.reading.columns import Columns
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.reading.plan import make_plan
from components.feedback.reading.rows import RowBatch
from components.feedback.reading.source import Piece
from pnfrec_core.errors import FeedbackError

HEADER = "user,item,value,timestamp,split,liked\n"
ROWS = (
    "ü1, i1 ,0.1,2024-01-01T10:00:00+02:00,train,1\nu2,007,-0.0,2024-01-01 11:00,test,n\nü1,i3,3,2024-01-02,train,p\n"
)


def pieces_of(config: FeedbackConfig, folder: Path) -> tuple[FeedbackConfig, tuple[Piece, ...]]:
    plan = make_plan(config)
    return plan.config, keep.with_kept(plan.pieces, plan.config, str(folder))


def rows_of(config: FeedbackConfig, folder: Path, batch_rows: int = 1 << 18) -> list[dict[str, Any]]:
    """All rows of the input in order, and the sums of their account."""
    settled, pieces = pieces_of(config, folder)
    return [plain(batch) for piece in pieces for batch in read_rows(piece, settled, batch_rows)]


def plain(batch: RowBatch) -> dict[str, Any]:
    columns = batch.columns
    rows = {
        "user": columns.users.take(pa.array(columns.user)).to_pylist(),
        "item": columns.items.take(pa.array(columns.item)).to_pylist(),
        "time": columns.time.tolist(),
        "value": columns.value.tobytes(),
        "split": None if columns.split is None else columns.split.tolist(),
        "kinds": [str(array.dtype) for array in (columns.user, columns.item, columns.time, columns.value)],
        "place": columns.place,
    }
    return rows | {name: getattr(batch, name) for name in ("read", "dropped", "units", "zones")}


@pytest.fixture
def days(tmp_path: Path) -> Path:
    folder = tmp_path / "days"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"{day}.csv").write_text(HEADER + ROWS.replace("i3", f"i{day}"))
    return folder


def config_of(days: Path, **settings: Any) -> FeedbackConfig:
    return FeedbackConfig(files=["{SPAN}.csv"], base=str(days), **settings)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from now on."""
    names: list[str] = []
    real = text.TextSource._read

    def read(source: text.TextSource, *arguments: Any) -> Iterator[Any]:
        names.append(os.path.basename(source.path))
        return real(source, *arguments)

    monkeypatch.setattr(text.TextSource, "_read", read)
    return names


@pytest.mark.parametrize(
    "settings", [{}, {"split": "column"}, {"positive": "column", "columns": ColumnsConfig(polarity="liked")}]
)
def test_kept_rows_are_those_that_were_read(days: Path, tmp_path: Path, parsed: list[str], settings: Any) -> None:
    config = config_of(days, **settings)
    plan = make_plan(config)
    expected = [plain(batch) for piece in plan.pieces for batch in read_rows(piece, plan.config)]
    assert [rows["user"] for rows in expected] == [["ü1", "u2", "ü1"]] * 3
    assert rows_of(config, tmp_path / "kept") == expected
    parsed.clear()
    assert rows_of(config, tmp_path / "kept") == expected
    assert parsed == []
    assert not [path.name for path in (tmp_path / "kept").iterdir() if path.suffix != kept.SUFFIX]


def test_a_day_costs_its_own_rows(days: Path, tmp_path: Path, parsed: list[str]) -> None:
    config = config_of(days)
    rows_of(config, tmp_path / "kept")
    assert parsed == ["1.csv", "2.csv", "3.csv"]
    parsed.clear()
    (days / "4.csv").write_text(HEADER + ROWS.replace("i3", "i4"))
    state = (days / "2.csv").stat()
    (days / "2.csv").write_text((days / "2.csv").read_text().replace("0.1", "0.2"))  # of the same size
    os.utime(days / "2.csv", ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    os.utime(days / "3.csv")
    rows_of(config, tmp_path / "kept")
    assert parsed == ["2.csv", "4.csv"]


def test_kept_rows_follow_the_content_and_not_the_place(days: Path, tmp_path: Path, parsed: list[str]) -> None:
    before = rows_of(config_of(days), tmp_path / "kept")
    parsed.clear()
    (days / "0.csv").write_bytes((days / "3.csv").read_bytes())
    after = rows_of(config_of(days), tmp_path / "kept")
    assert parsed == []
    # The place in the input is that of this run.
    assert [rows.pop("place") for rows in after] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert after[0] == after[3] == {name: value for name, value in before[2].items() if name != "place"}


@pytest.mark.parametrize(
    ("settings", "is_same"),
    [
        ({"min_item_users": 1, "positive": 3.0, "test_quantile": 0.5, "duplicates": "last"}, True),
        ({"bad_rows": "drop"}, False),
        ({"time_format": "%Y"}, False),
        ({"time_unit": "seconds"}, False),
        ({"columns": ColumnsConfig(user="item", item="user")}, False),
        ({"columns": ColumnsConfig(value="liked")}, False),
        ({"positive": "column", "columns": ColumnsConfig(polarity="value")}, False),
        ({"split": "column"}, False),
        ({"quotes": "doubled"}, False),
        ({"format": "csv"}, True),
        ({"names": ["user", "item", "value", "timestamp", "split", "liked"]}, False),
    ],
)
def test_the_name_tells_all_that_rows_depend_on(days: Path, tmp_path: Path, settings: Any, is_same: bool) -> None:
    def names(config: FeedbackConfig) -> list[str]:
        return [os.path.basename(piece.kept.path) for piece in pieces_of(config, tmp_path)[1] if piece.kept]

    plain_names = names(config_of(days))
    assert len(set(plain_names)) == 3
    assert (names(config_of(days, **settings)) == plain_names) is is_same


def test_the_name_tells_what_the_folders_say_and_the_code(tmp_path: Path, monkeypatch: Any) -> None:
    def name(path: str) -> str:
        _, (piece,) = pieces_of(FeedbackConfig(files=[path], base=str(tmp_path), split="column"), tmp_path / "kept")
        assert piece.kept
        return os.path.basename(piece.kept.path)

    content = "user,item,value,timestamp\nu,i,1,2\n"
    for split in ("train", "test"):
        for other in ("a", "b"):
            (tmp_path / f"other={other}" / f"split={split}").mkdir(parents=True)
            (tmp_path / f"other={other}" / f"split={split}" / "a.csv").write_text(content)
    assert name("other=a/split=train/a.csv") == name("other=b/split=train/a.csv") != name("other=a/split=test/a.csv")
    before = name("other=a/split=train/a.csv")
    monkeypatch.setattr(keep, "READING", dataclasses.replace(keep.READING, libraries=("pandas",)))
    assert name("other=a/split=train/a.csv") != before


@pytest.mark.parametrize("damage", ["half", "empty", "bit", "mark", "account", "longer", "folder"])
def test_damaged_rows_are_read_anew(
    days: Path, tmp_path: Path, parsed: list[str], caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    expected = rows_of(config_of(days), tmp_path / "kept")
    path = Path(pieces_of(config_of(days), tmp_path / "kept")[1][1].kept.path)  # type: ignore[union-attr]
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[len(data) // 2] ^= 4
    elif damage == "mark":
        data[-1] ^= 1
    elif damage == "account":
        data[-30] ^= 1
    changed = {"half": data[: len(data) // 2], "empty": b"", "longer": data + b"x"}.get(damage, data)
    path.unlink()
    path.mkdir() if damage == "folder" else path.write_bytes(bytes(changed))
    parsed.clear()
    with caplog.at_level(logging.WARNING):
        assert rows_of(config_of(days), tmp_path / "kept") == expected
    assert parsed == ["2.csv"]
    assert "; the file is read anew." in caplog.text
    if damage != "folder":
        caplog.clear()
        parsed.clear()
        assert rows_of(config_of(days), tmp_path / "kept") == expected
        assert not parsed
        assert not caplog.records


def test_an_error_keeps_nothing_and_dropped_rows_are_counted_again(days: Path, tmp_path: Path) -> None:
    with (days / "2.csv").open("a") as file:
        file.write("u,i,x,2024-01-01,train,1\nu,i,1,2024-01-01\n")
    with pytest.raises(FeedbackError, match=r"2\.csv, line 5, column 'value'"):
        rows_of(config_of(days), tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 1
    first = rows_of(config_of(days, bad_rows="drop"), tmp_path / "kept")
    assert [rows["dropped"] for rows in first] == [{}, {"wrong_fields": 1, "bad_value": 1}, {}]
    assert rows_of(config_of(days, bad_rows="drop"), tmp_path / "kept") == first
    with pytest.raises(FeedbackError, match=r"2\.csv, line 5, column 'value'"):
        rows_of(config_of(days), tmp_path / "kept")


def test_rows_that_are_not_read_to_the_end_are_not_kept(days: Path, tmp_path: Path) -> None:
    settled, pieces = pieces_of(config_of(days), tmp_path / "kept")
    batches = read_rows(pieces[0], settled)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "kept").exists()


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    days: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settled, pieces = pieces_of(config_of(days), tmp_path / "kept")
    with (days / "1.csv").open("a") as file:
        file.write("u,i,1,2024-01-01,train,1\n")
    assert [plain(batch)["read"] for batch in read_rows(pieces[0], settled)] == [4]
    assert "has changed while it was read; its rows are not kept." in caplog.text
    assert not list((tmp_path / "kept").glob("*"))


def test_no_room_is_a_warning(days: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "kept").write_text("a file in the way")
    assert len(rows_of(config_of(days), tmp_path / "kept")) == 3
    # Once, and not for each of the files.
    assert caplog.text.count("rows cannot be kept") == 1


def test_large_files_become_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_BLOCK_ROWS", 100)
    table = pa.table(
        {
            "user": [f"u{number % 7}" for number in range(1000)],
            "item": [f"i{number % 11}" for number in range(1000)],
            "value": np.arange(1000) / 7,
            "timestamp": np.arange(1000),
        }
    )
    pq.write_table(table, tmp_path / "1.parquet", row_group_size=250)
    config = FeedbackConfig(files=["1.parquet"], base=str(tmp_path))
    first = rows_of(config, tmp_path / "kept", batch_rows=30)
    second = rows_of(config, tmp_path / "kept", batch_rows=30)
    assert [len(rows["time"]) for rows in second][:3] == [120, 120, 120]
    for name in ("user", "item", "time"):
        assert [each for rows in second for each in rows[name]] == [each for rows in first for each in rows[name]]
    assert sum(rows["read"] for rows in second) == 1000
    assert [rows["place"] for rows in second][:3] == [(0, 0), (0, 120), (0, 240)]


def test_what_is_not_read_any_more_is_removed(days: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    config = config_of(days)
    rows_of(config, folder)
    _, pieces = pieces_of(config, folder)
    paths = [Path(piece.kept.path) for piece in pieces if piece.kept]
    (folder / "of-the-user.txt").touch()
    (folder / f".x.rows.1{kept.UNFINISHED}").touch()
    old = time.time() - 8 * 86_400
    for path in folder.iterdir():
        os.utime(path, (old, old))
    assert keep.tidy(str(folder), pieces[1:], 9.0) == 0
    os.utime(paths[1], (old, old))
    assert keep.tidy(str(folder), pieces[1:], 7.0) == 2
    assert sorted(folder.iterdir()) == sorted([*paths[1:], folder / "of-the-user.txt"])
    assert paths[1].stat().st_mtime > old  # used, which counts from now on
    assert keep.tidy(str(folder), pieces[2:], 0.0) == 1
    assert keep.tidy(str(tmp_path / "none"), pieces, 0.0) == 0


def test_where_rows_are_kept() -> None:
    def folder(*files: str, root: str | None = "/out/artifacts", **keep_read: Any) -> str | None:
        return keep.folder_of(FeedbackConfig(files=list(files), keep_read=KeepReadConfig(**keep_read)), root)

    assert folder("a.csv") is None
    assert folder("{SPAN}.csv") == "/out/artifacts/.read_state"
    assert folder("{SPAN}.csv", root="gs://bucket/root") is None
    assert folder("{SPAN}.csv", root=None) is None
    assert folder("{SPAN}.csv", root=None, folder="/kept") == "/kept"
    assert folder("a.csv", mode="always") == "/out/artifacts/.read_state"
    assert folder("{SPAN}.csv", mode="never", folder="/kept") is None


def test_days_to_keep_are_checked() -> None:
    with pytest.raises(
        ValueError, match=r"^`feedback.keep_read.unused_days` must be 0 or more and finite\. Received: -1"
    ):
        KeepReadConfig(unused_days=-1)


def test_columns_have_no_more_than_is_kept() -> None:
    """A column that is added there has to be kept as well; the event of a piece is that of all its rows."""
    assert Columns.BY_ROW == ("user", "item", "time", "value", "split", "event")
    kept = ["columns", "read", "dropped", "units", "zones", "unnamed", "ignored"]
    assert [field.name for field in dataclasses.fields(RowBatch)] == [*kept, "event"]
