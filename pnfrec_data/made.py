"""What was made of a data set before: the record of it, and whether the files are those that it tells of."""

import json
from pathlib import Path
from typing import Any

from pnfrec_data.dataset import DataSet
from pnfrec_data.errors import DataError

RATINGS, RECORD = "ratings.parquet", "SOURCE.json"
# What a record has to hold to be one.
_FIELDS: dict[str, type] = {"rows": int, "users": int, "items": int, "sha256": str, "form": int, "downloads": dict}
# In the metadata of each Parquet file that is made here, so that nobody else's is written over.
MADE_BY: dict[bytes, bytes] = {b"made_by": b"pnfrec data"}


class OccupiedError(DataError):
    """What would be written over was not made here, or is being made by another process."""


def read_record(folder: Path) -> dict[str, Any] | None:
    """What `SOURCE.json` holds; None if the data set was not prepared, or the file is no record."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or not all(isinstance(record.get(key), kind) for key, kind in _FIELDS.items()):
        return None
    return record


def is_whole(folder: Path, record: dict[str, Any]) -> bool:
    """Whether the files are there, and the ratings are as many as the record says."""
    names = (RATINGS, record.get("titles"), *(record.get("others") or ()))
    if not all((folder / name).is_file() for name in names if name):
        return False
    found = _metadata(folder / RATINGS)
    return found is not None and found.num_rows == record["rows"]


def check_ours(data: DataSet, folder: Path) -> None:
    """Checks that what will be written over was made here.

    Raises:
        OccupiedError: A file of somebody else has one of the names, or a folder has.
    """
    ratings = folder / RATINGS
    found = _metadata(ratings) if ratings.is_file() else None
    is_ours = read_record(folder) is not None or (
        found is not None and MADE_BY.items() <= (found.metadata or {}).items()
    )
    for name in (RATINGS, data.titles, *data.others):
        target = folder / name
        if target.is_dir() or (target.exists() and not is_ours):
            what = "is a folder" if target.is_dir() else f"was not made by this command, since no {RECORD} tells of it"
            msg = f"{target}: {what}, and would be written over. Move it away, or name another folder with --data."
            raise OccupiedError(msg)


def _metadata(path: Path) -> Any:
    """What a Parquet file says of itself; None where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return None
