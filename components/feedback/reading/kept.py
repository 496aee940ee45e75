"""Rows of a file as they were read, kept on disk, so that the next run need not parse the file again.

A kept file is a stream of Arrow's IPC format, one record batch for each block of rows, then the account of the blocks
as JSON, its length, a CRC-32C of all before, and a mark. It appears under its name when it is complete. One that is
damaged all the same is not believed: the file is read anew.
"""

import contextlib
import dataclasses
import json
import logging
import os
import struct
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import google_crc32c
import numpy as np
import pyarrow as pa

from components.feedback.reading.columns import Columns, join
from components.feedback.reading.files import is_remote
from components.feedback.reading.rows import RowBatch
from components.feedback.reading.stores import contents

if TYPE_CHECKING:
    from components.feedback.reading.source import Piece

log = logging.getLogger(__name__)

SUFFIX: Final = ".rows"
# Of a file that is being written.
UNFINISHED: Final = ".unfinished"
_MARK: Final = b"PNFROWS1"
_END: Final = struct.Struct("<QI8s")
# Rows of a block: few dictionaries of ids, and no more than that in memory.
_BLOCK_ROWS: Final = 1 << 18
_SUMMED_BYTES: Final = 1 << 22
# Counts of a batch by name.
_SUMMED: Final = ("dropped", "units", "zones", "unnamed", "ignored")

# Size, time of the last change, of the last change of anything, and number of a local file; or what a store says.
State = tuple[int, int, int, int] | str
# Folders that could not be written to, so that each is told once.
_unwritable: set[str] = set()


@dataclasses.dataclass(frozen=True)
class Kept:
    """Where the rows of a piece of input are kept.

    Attributes:
        path: Of the kept file, there or not. Its name says what the rows come from.
        state: Of the file that they are read from, when its content was looked at.
    """

    path: str
    state: State


def state_of(path: str) -> State:
    """What a file is recognised by while a run lasts; of one in a store, what the store says of its content."""
    if is_remote(path):
        return contents([path])[path].text
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def rows_through(kept: Kept, piece: "Piece", parse: Callable[[], Iterator[RowBatch]]) -> Iterator[RowBatch]:
    """The kept rows of a piece, or those that are parsed now, which are kept once all of them were asked for.

    Args:
        kept: Where.
        piece: Which piece.
        parse: Reads the file.

    Raises:
        FeedbackError: As `parse` does.
    """
    found = _read(kept.path)
    if found is not None:
        yield from (_placed(batch, piece) for batch in found)
        return
    writer, path = _Writer(kept.path), piece.source.path
    try:
        for batch in parse():
            writer.add(batch)
            yield batch
        if state_of(path) == kept.state:
            writer.finish()
        else:
            # The name of the kept file says what the file held before.
            log.warning("%s has changed while it was read; its rows are not kept.", path)
    finally:
        writer.close()


def _placed(batch: RowBatch, piece: "Piece") -> RowBatch:
    """The batch with what is not kept of its rows: where its file and its event stand in this run."""
    event = None if piece.event is None else np.full(len(batch.columns), piece.event, np.int16)
    place = (piece.file, batch.columns.place[1])
    columns = dataclasses.replace(batch.columns, place=place, event=event)
    return dataclasses.replace(batch, columns=columns, event=piece.event)


class _Writer:
    """Writes a kept file. What goes wrong with it is told once, and stops nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        folder, name = os.path.split(path)
        self._unfinished = os.path.join(folder, f".{name}.{uuid.uuid4().hex}{UNFINISHED}")
        self._waiting: list[RowBatch] = []
        self._account: list[dict[str, Any]] = []
        self._file: Any = None
        self._stream: Any = None
        self._failed = False

    def add(self, batch: RowBatch) -> None:
        self._waiting.append(batch)
        if sum(len(each.columns) for each in self._waiting) >= _BLOCK_ROWS:
            self._try(self._write_block)

    def finish(self) -> None:
        """Puts the file in its place."""
        if self._waiting:
            self._try(self._write_block)
        self._try(self._end)

    def close(self) -> None:
        """Leaves nothing behind but a finished file."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
            os.unlink(self._unfinished)

    def _try(self, step: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            step()
        except (OSError, pa.ArrowException) as error:
            self._failed = True
            self._waiting = []
            folder = os.path.dirname(self._path)
            level = logging.DEBUG if folder in _unwritable else logging.WARNING
            _unwritable.add(folder)
            log.log(
                level,
                "%s: rows cannot be kept (%s), so that the next run reads the file again. Make room there, or set "
                "`feedback.keep_read.folder`.",
                self._path,
                error,
            )

    def _write_block(self) -> None:
        block = _joined(self._waiting)
        self._waiting = []
        batch = _as_arrow(block.columns)
        if self._file is None:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            self._file = open(self._unfinished, "wb")  # noqa: SIM115 (closed by `close`)
            options = pa.ipc.IpcWriteOptions(compression="lz4" if pa.Codec.is_available("lz4") else None)
            self._stream = pa.ipc.new_stream(self._file, batch.schema, options=options)
        self._stream.write_batch(batch)
        counts = {name: getattr(block, name) for name in ("read", *_SUMMED)}
        self._account.append({"row": block.columns.place[1], **counts})

    def _end(self) -> None:
        if self._file is None:
            return
        self._stream.close()
        account = json.dumps(self._account).encode()
        self._file.write(account)
        self._file.flush()
        with pa.memory_map(self._unfinished) as whole:
            checksum = _checksum(whole.read_buffer())
        self._file.write(_END.pack(len(account), checksum, _MARK))
        self._file.close()
        os.replace(self._unfinished, self._path)


def _joined(batches: list[RowBatch]) -> RowBatch:
    """The rows of batches that follow each other."""
    columns = batches[0].columns if len(batches) == 1 else join([batch.columns for batch in batches])
    sums: dict[str, Counter[str]] = {name: Counter() for name in _SUMMED}
    for batch in batches:
        for name, total in sums.items():
            total.update(getattr(batch, name))
    counts: dict[str, Any] = {name: dict(total) for name, total in sums.items()}
    return RowBatch(columns.compact(), sum(batch.read for batch in batches), **counts)


def _as_arrow(columns: Columns) -> pa.RecordBatch:
    ids = {"user": (columns.user, columns.users), "item": (columns.item, columns.items)}
    arrays: dict[str, pa.Array] = {
        name: pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), known.cast(pa.string()))
        for name, (codes, known) in ids.items()
    }
    arrays |= {"time": pa.array(columns.time, pa.int64()), "value": pa.array(columns.value, pa.float64())}
    if columns.split is not None:
        arrays["split"] = pa.array(columns.split, pa.int8())
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def _read(path: str) -> list[RowBatch] | None:
    """The rows of a kept file; None where it is not there, or is damaged."""
    try:
        with pa.memory_map(path) as whole:
            data = whole.read_buffer()
    except FileNotFoundError:
        return None
    except (OSError, pa.ArrowException) as error:
        log.warning("%s: the kept rows cannot be read (%s); the file is read anew.", path, error)
        return None
    try:
        return list(_blocks(data))
    except (ValueError, KeyError, TypeError, struct.error, pa.ArrowException) as error:
        log.warning("%s: the kept rows are damaged (%s); the file is read anew.", path, " ".join(str(error).split()))
        return None


def _checksum(data: pa.Buffer) -> int:
    checksum = 0
    for start in range(0, data.size, _SUMMED_BYTES):
        # The library takes bytes alone, no view of them.
        part = data.slice(start, min(_SUMMED_BYTES, data.size - start)).to_pybytes()
        checksum = google_crc32c.extend(checksum, part)
    return checksum


def _blocks(data: pa.Buffer) -> Iterator[RowBatch]:
    """Raises a ValueError or the like if the bytes are not those that were written."""
    size = data.size - _END.size
    if size < 0:
        msg = f"it has {data.size} bytes"
        raise ValueError(msg)
    length, checksum, mark = _END.unpack(data.slice(size).to_pybytes())
    if mark != _MARK or length > size or _checksum(data.slice(0, size)) != checksum:
        msg = "the checksum is another one"
        raise ValueError(msg)
    account = json.loads(data.slice(size - length, length).to_pybytes())
    reader = pa.ipc.open_stream(data.slice(0, size - length))
    for counts, batch in zip(account, reader, strict=True):
        row = counts.pop("row")
        yield RowBatch(_from_arrow(batch, row), **counts)


def _from_arrow(batch: pa.RecordBatch, row: int) -> Columns:
    arrays = {name: batch.column(index) for index, name in enumerate(batch.schema.names)}
    numbers = {name: arrays[name].to_numpy() for name in ("time", "value")}
    user, item = arrays["user"], arrays["item"]
    return Columns(
        user.dictionary,
        user.indices.to_numpy().astype(np.int32, copy=False),
        item.dictionary,
        item.indices.to_numpy().astype(np.int32, copy=False),
        numbers["time"],
        numbers["value"],
        arrays["split"].to_numpy() if "split" in arrays else None,
        (0, row),
    )
