"""Writes the outputs: each file under a name of its own first, so that half a file is never taken for a whole one."""

import contextlib
import dataclasses
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.feedback.writing.page import PAGE_FILE, to_html
from components.feedback.writing.statistics import STATISTICS_FILE
from components.feedback.writing.summary import SUMMARY_FILE, format_summary
from pnfrec_core import schema


@dataclasses.dataclass(frozen=True)
class Folders:
    """Where the three outputs go; local, or anything that Beam can write to."""

    examples: str
    vocabulary: str
    statistics: str


def write_bytes(path: str, data: bytes) -> None:
    """Writes `data` to `path`, making its folder; the file appears under its name when it is complete."""
    folder, name = os.path.split(path)
    # It may be there already, perhaps made by another worker just now.
    with contextlib.suppress(OSError):
        FileSystems.mkdirs(folder)
    # A dot in front hides it from the globs that readers use.
    temporary = FileSystems.join(folder, f".{name}.{uuid.uuid4().hex}")
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)
    FileSystems.rename([temporary], [path])


def shard_path(folders: Folders, split: str, shard: int, shards: int) -> str:
    return str(FileSystems.join(folders.examples, f"Split-{split}", f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"))


def write_results(folders: Folders, vocabulary: Iterable[str], statistics: Mapping[str, Any]) -> None:
    """Writes the vocabulary, the summary, the page and, last, the statistics."""
    write_bytes(FileSystems.join(folders.vocabulary, schema.VOCABULARY_FILE), "".join(vocabulary).encode())
    write_bytes(FileSystems.join(folders.statistics, SUMMARY_FILE), format_summary(statistics).encode())
    write_bytes(FileSystems.join(folders.statistics, PAGE_FILE), to_html(statistics).encode())
    text = json.dumps(statistics, indent=2, ensure_ascii=False) + "\n"
    write_bytes(FileSystems.join(folders.statistics, STATISTICS_FILE), text.encode())
