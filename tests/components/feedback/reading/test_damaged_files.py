"""Files that are cut off or damaged are named, with what to do."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.reading.parquet import VERIFIED
from tests.components.feedback.reading.reads import HEADER, error_of, read


def test_truncated_gzip(tmp_path: Path) -> None:
    """Long enough that its beginning, which is looked into first, is whole."""
    path = tmp_path / "rows.csv.gz"
    lines = "".join(f"user{index * 7919 % 99991},item{index * 104729 % 9973},1,{index}\n" for index in range(120_000))
    data = gzip.compress((HEADER + lines).encode())
    path.write_bytes(data[: len(data) * 9 // 10])
    message = error_of(path)
    assert message.startswith(f"{path}: truncated or damaged gzip (")
    assert message.endswith("). Copy it anew.")


def test_truncated_gzip_of_a_dat_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.dat.gz"
    data = gzip.compress(b"user::item::value::timestamp\n" + b"u::i::1::2\n" * 300_000)
    path.write_bytes(data[:-100])
    assert error_of(path).startswith(f"{path}: truncated or damaged gzip (")


def test_parquet_with_damaged_pages(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    generator = np.random.default_rng(0)
    ids = [f"{number:020d}" for number in generator.integers(0, 10**9, 5000)]
    columns = {
        "user": ids,
        "item": ids,
        "value": generator.random(5000),
        "timestamp": generator.integers(0, 9**9, 5000),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[100:60_000] = bytes(59_900)
    path.write_bytes(data)
    message = error_of(path)
    assert message.startswith(f"{path}: ")
    assert message.endswith("). Copy it anew.")


def test_a_page_of_zeros_is_found_where_the_writer_wrote_checksums(tmp_path: Path) -> None:
    """Arrow looks at them from release 14 on, and writes them from the same one; older ones read zeros."""
    path = tmp_path / "rows.parquet"
    count = 20_000
    columns = {name: pa.array(range(1, count + 1)) for name in ("user", "item", "value", "timestamp")}
    options = {"write_page_checksum": True} if VERIFIED else {}
    pq.write_table(pa.table(columns), path, compression="none", use_dictionary=False, **options)
    assert len(read(path)[0]) == count
    data = bytearray(path.read_bytes())
    # In the first page of the values, behind its header.
    begin = pq.ParquetFile(path).metadata.row_group(0).column(2).data_page_offset + 8192
    data[begin : begin + 4096] = bytes(4096)
    path.write_bytes(data)
    if not VERIFIED:
        assert int(pa.__version__.partition(".")[0]) < 14
        assert sum(value == 0 for _, _, value, _ in read(path)[0]) == 512
        return
    message = error_of(path)
    assert message.startswith(f"{path}: damaged file (")
    assert "CRC checksum verification failed" in message
    assert message.endswith("). Copy it anew.")
