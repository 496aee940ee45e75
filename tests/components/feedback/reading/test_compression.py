"""Compressed files, archives, and parts without a row."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.plan import make_plan
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import support
from tests.components.feedback.reference import Row

HEADER = "user,item,value,timestamp\n"
ROWS = "".join(f"u{n},i{n},1,{n}\n" for n in range(20_000))


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


def users(path: Path, **settings: str) -> int:
    config = FeedbackConfig([str(path)], **settings)  # type: ignore[arg-type]
    return sum(len(batch.columns) for piece in make_plan(config).pieces for batch in read_rows(piece, config))


def error(path: Path, **settings: str) -> str:
    with pytest.raises(FeedbackError) as caught:
        users(path, **settings)
    return str(caught.value)


@pytest.mark.parametrize("suffix", PACK)
def test_compressed_text_is_read_to_its_end(tmp_path: Path, suffix: str) -> None:
    pack, path = PACK[suffix], tmp_path / f"rows.csv.{suffix}"
    path.write_bytes(pack((HEADER + ROWS).encode()))
    assert users(path) == 20_000
    # Several parts, one behind another, as parallel packers and `cat` make them.
    path.write_bytes(pack((HEADER + ROWS).encode()) + pack(ROWS.encode()))
    assert users(path) == 40_000


@pytest.mark.parametrize("suffix", PACK)
def test_what_is_behind_a_part_and_no_part_is_not_taken_for_the_end(tmp_path: Path, suffix: str) -> None:
    """Such as a second part that is damaged where it begins: its rows must not be gone without a word."""
    pack, path = PACK[suffix], tmp_path / f"rows.csv.{suffix}"
    path.write_bytes(pack((HEADER + ROWS).encode()) + b"?" + pack(ROWS.encode())[1:])
    assert f"{path}: truncated or damaged" in error(path)


@pytest.mark.parametrize("suffix", ["bz2", "xz"])
def test_zeros_between_parts_and_behind_them_are_padding(tmp_path: Path, suffix: str) -> None:
    pack, path = PACK[suffix], tmp_path / f"rows.csv.{suffix}"
    path.write_bytes(pack((HEADER + ROWS).encode()) + b"\0" * 8 + pack(ROWS.encode()) + b"\0" * (1 << 19))
    assert users(path) == 40_000


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_that_breaks_off_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.csv.{suffix}"
    whole = PACK[suffix]((HEADER + ROWS).encode())
    path.write_bytes(whole[: len(whole) // 2])
    assert str(path) in error(path)
    assert "Copy it anew" in error(path)


@pytest.mark.parametrize("suffix", PACK)
def test_a_name_without_its_suffix_is_explained(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(PACK[suffix]((HEADER + ROWS).encode()))
    assert error(path).endswith(f"Add .{suffix} to its name.")


def test_a_line_of_a_bad_row_is_found_in_compressed_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.bz2"
    path.write_bytes(bz2.compress((HEADER + ROWS + "u,i,soon,1\n").encode()))
    assert error(path).startswith(f"{path}, line 20002, column 'value': expected a finite number, found 'soon'")


@pytest.mark.parametrize("setting", ["auto", "parquet"])
def test_parquet_that_is_compressed_as_a_whole(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "rows.parquet.gz"
    path.write_bytes(gzip.compress(b"PAR1"))
    assert error(path, format=setting) == (
        f"{path}: a Parquet file that is compressed as a whole. Unpack it (gzip); Parquet compresses what is inside it."
    )


def test_archives_are_named_with_what_they_hold(tmp_path: Path) -> None:
    packed = tmp_path / "ml-latest-small.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("ml/ratings.csv", HEADER + ROWS)
        archive.writestr("ml/movies.csv", "item,title\n")
    assert error(packed) == (
        f"{packed}: a zip archive. Unpack it, and name the files in it: ml/ratings.csv, ml/movies.csv."
    )
    assert error(packed, format="csv") == (
        f"{packed}: is a zip archive. Unpack it, and name the files in it: ml/ratings.csv, ml/movies.csv."
    )
    path = tmp_path / "rows.csv.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("rows.csv")
        info.size = len(HEADER)
        tar.addfile(info, io.BytesIO(HEADER.encode()))
    path.write_bytes(buffer.getvalue())
    assert error(path) == f"{path}: is a tar archive. Unpack it, and name the files in it."


@pytest.mark.parametrize("name", ["rows.csv.snappy", "rows.csv.lz4", "rows.orc", "rows.json", "rows.tgz"])
def test_what_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert error(tmp_path / name).startswith(f"{tmp_path / name}: ")
    assert "the suffix does not tell the format" not in error(tmp_path / name)


def test_parts_without_a_byte_are_a_warning_among_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "c.parquet").write_bytes(b"")
    for suffix in ("bz2", "gz", "xz", "zst"):
        (tmp_path / f"d.csv.{suffix}").write_bytes(b"")
    (tmp_path / "e.csv").write_text(HEADER + "u,i,1,2\n")
    support.write_parquet(tmp_path / "f.parquet", [Row("v", "i", 1.0, 3)])
    plan = make_plan(FeedbackConfig(["*"], base=str(tmp_path)))
    assert [Path(piece.source.path).name for piece in plan.pieces] == ["e.csv", "f.parquet"]
    assert [piece.file for piece in plan.pieces] == [7, 8]
    assert plan.warnings == (
        f"{tmp_path}/a.csv: the file is empty. Expected a header and rows.",
        f"{tmp_path}/b.csv.gz: the file is empty. Expected a header and rows.",
        f"{tmp_path}/c.parquet: the file is empty, without even Parquet's own description.",
        *(
            f"{tmp_path}/d.csv.{suffix}: the file is empty. Expected a header and rows."
            for suffix in ("bz2", "gz", "xz", "zst")
        ),
    )
