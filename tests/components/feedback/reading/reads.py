"""Writes files of feedback and reads them as FeedbackGen does."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.batches import read_rows
from components.feedback.reading.plan import make_plan
from pnfrec_core.errors import FeedbackError

HEADER = "user,item,value,timestamp\n"
# What a message says that it expected.
A_TIME = "a whole number (seconds, milli-, micro- or nanoseconds since 1970) or an ISO date, before the year 2200"
A_NUMBER = "a finite number"
AN_ID = "a non-empty id in UTF-8"
Read = list[tuple[str, str, float, int]]


def read(path: Path, batch_rows: int = 1 << 18, **settings: Any) -> tuple[Read, dict[str, int], int]:
    """(rows, dropped by reason, rows read) of one file."""
    config = FeedbackConfig(files=[str(path)], **settings)
    rows: Read = []
    dropped: Counter[str] = Counter()
    total = 0
    for piece in make_plan(config).pieces:
        for batch in read_rows(piece, config, batch_rows):
            columns = batch.columns
            users, items = columns.users.to_pylist(), columns.items.to_pylist()
            by_row = zip(columns.user, columns.item, columns.value, columns.time, strict=True)
            rows += [(users[user], items[item], float(value), int(time)) for user, item, value, time in by_row]
            dropped.update(batch.dropped)
            total += batch.read
    return rows, dict(dropped), total


def error_of(path: Path, **settings: Any) -> str:
    with pytest.raises(FeedbackError) as caught:
        read(path, **settings)
    return str(caught.value)


def written(path: Path, text: str | bytes) -> Path:
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path
