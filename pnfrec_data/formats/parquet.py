"""Parquet files inside of sources."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pnfrec_data.errors import DataError
from pnfrec_data.source import Source


@contextlib.contextmanager
def open_parquet(source: Source, entry: str, columns: Sequence[str]) -> Iterator[pq.ParquetFile]:
    """Opens a Parquet file that has `columns`; out of an archive it is unpacked first, since it is read from its end.

    Raises:
        DataError: It is damaged, is no Parquet file or lacks a column.
    """
    path = Path(entry)
    with contextlib.ExitStack() as stack:
        if source.is_archive:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=source.path.parent))) / path.name
            with source.open(entry) as stream, path.open("wb") as unpacked:
                shutil.copyfileobj(stream, unpacked, 1 << 20)
        try:
            file = stack.enter_context(pq.ParquetFile(path))
        except pa.ArrowInvalid as error:
            msg = f"{path}: not a readable Parquet file ({error}). Get it anew."
            raise DataError(msg) from error
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            msg = f"{path}: no column {', '.join(missing)}. Found: {', '.join(file.schema_arrow.names)}."
            raise DataError(msg)
        try:
            yield file
        except (pa.ArrowInvalid, OSError) as error:
            msg = f"{path}: cannot be read ({error}): damaged or cut off. Get it anew."
            raise DataError(msg) from error
