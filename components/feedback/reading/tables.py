"""Folders whose files are not all current: tables of Delta Lake, Apache Iceberg and Apache Hudi.

Such a table keeps the files of earlier versions beside those of now, and only its log tells which count. To read all of
them counts rows twice that were rewritten, and brings back those that were deleted.
"""

import os
from collections.abc import Iterable

from pnfrec_core.errors import FeedbackError

_EXPORT = 'spark.read.format("{0}").load(PATH).write.parquet(OTHER)'


def check_no_table(paths: Iterable[str]) -> None:
    """Raises a FeedbackError if one of some local files belongs to a table with a log of its own."""
    looked: dict[str, tuple[str, str] | None] = {}
    for folder in sorted({os.path.dirname(os.path.abspath(path)) for path in paths}):
        for parent in _tables_above(folder):
            if parent not in looked:
                looked[parent] = _kind(parent)
            if kind := looked[parent]:
                msg = (
                    f"`feedback.files`: {parent} is a table of {kind[0]}, whose folder also holds the files of earlier "
                    f"versions, which must not be read as rows. Export it first, for example with Spark: "
                    f"{_EXPORT.format(kind[1])}."
                )
                raise FeedbackError(msg)


def _tables_above(folder: str) -> Iterable[str]:
    """The folder and those above it that may be the table that it is a part of.

    Between the two lie folders named `column=value`, Iceberg's `data`, and Hudi's parts of dates.
    """
    yield folder
    while "=" in (name := os.path.basename(folder)) or name == "data" or name.isdecimal():
        folder = os.path.dirname(folder)
        yield folder


def _kind(folder: str) -> tuple[str, str] | None:
    """The table that a folder is, as it is called and as Spark calls it."""
    if os.path.isdir(os.path.join(folder, "_delta_log")):
        return "Delta Lake", "delta"
    if os.path.isdir(os.path.join(folder, ".hoodie")):
        return "Apache Hudi", "hudi"
    try:
        names = os.listdir(os.path.join(folder, "metadata"))
    except OSError:
        return None
    return ("Apache Iceberg", "iceberg") if any(name.endswith(".metadata.json") for name in names) else None
