"""The requests that an export puts beside a model, which a server answers before it lets the version serve.

The file is TensorFlow Serving's: TFRecords of `tensorflow.serving.PredictionLog`, 1,000 at most. Of a log, only
`predict_log.request` is read; other kinds are of methods that this server does not have.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf import message

from pnfrec_core import schema
from serving import wire

FILE: Final = "tf_serving_warmup_requests"
MOST_RECORDS: Final = 1000
# Of a record: its length and a checksum of that before it, a checksum of it behind it.
_HEAD: Final = struct.Struct("<QI")
_TAIL: Final = 4


def file_of(folder: Path) -> Path:
    """Where a version has it."""
    return folder / schema.EXTRA_ASSETS / FILE


def read(folder: Path) -> Iterator[Any]:
    """The `wire.PredictRequest`s of a version, none where it has no such file.

    Raises:
        ValueError: The file is cut off, holds something else or too many records.
        OSError: It cannot be read.
    """
    file = file_of(folder)
    if not file.is_file():
        return
    content = file.read_bytes()
    place, start = 0, 0
    while start < len(content):
        if place == MOST_RECORDS:
            msg = f"{file} holds more than {MOST_RECORDS} requests, which TensorFlow Serving refuses. Write fewer."
            raise ValueError(msg)
        record = _record(content, start)
        if record is None:
            msg = f"{file} is cut off, or no file of TFRecords: record {place} at byte {start} does not fit in it."
            raise ValueError(msg)
        log = wire.PredictionLog()
        try:
            log.ParseFromString(record)
        except message.DecodeError as error:
            msg = f"{file}: record {place} is no PredictionLog: {error}."
            raise ValueError(msg) from error
        if log.HasField("predict_log"):
            yield log.predict_log.request
        place, start = place + 1, start + _HEAD.size + len(record) + _TAIL


def _record(content: bytes, start: int) -> bytes | None:
    """The record at a byte; None where its length cannot be true."""
    begin = start + _HEAD.size
    if begin > len(content):
        return None
    length, _ = _HEAD.unpack_from(content, start)
    return content[begin : begin + length] if begin + length + _TAIL <= len(content) else None
