"""Feedback that one process and a cluster read, and what each has written."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.feedback.config import FeedbackConfig

ROWS, USERS, ITEMS = 400_000, 6_000, 800


def write_feedback(folder: Path) -> FeedbackConfig:
    """Feedback in eight files."""
    draws = np.random.default_rng(7)
    for number in range(8):
        size = ROWS // 8
        columns = {
            "user": draws.integers(USERS, size=size).astype(str),
            "item": np.minimum(draws.zipf(1.3, size=size), ITEMS).astype(str),
            "value": draws.integers(1, 6, size=size).astype(float),
            "timestamp": 1_600_000_000 + draws.integers(30_000_000, size=size),
        }
        pq.write_table(pa.table(columns), folder / f"part-{number}.parquet")
    return FeedbackConfig(files=["*.parquet"], base=str(folder), positive=4.0, shards=8)


def contents(folder: Path) -> dict[str, str]:
    """Path to a digest of what the file holds, hidden files too."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
