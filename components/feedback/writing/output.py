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


def write_bytes(path: str, data: bytes, apart: str = "") -> None:
    """Writes `data` to `path`, making its folder; the file appears under its name when it is complete.

    Args:
        path: Of the file.
        data: What it holds.
        apart: The folder that it is written in until then; by default its own. A worker that is killed leaves it there.
    """
    folder, name = os.path.split(path)
    # It may be there already, perhaps made by another worker just now.
    with contextlib.suppress(OSError):
        FileSystems.mkdirs(folder)
    temporary = FileSystems.join(apart or folder, f".{name}.{uuid.uuid4().hex}")
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        file.write(data)
    FileSystems.rename([temporary], [path])


def shard_path(folders: Folders, split: str, shard: int, shards: int) -> str:
    return str(FileSystems.join(folders.examples, f"Split-{split}", f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"))


def write_shard(folders: Folders, split: str, shard: int, shards: int, data: bytes) -> None:
    """Writes the examples of a shard.

    Readers take every file in the folder of a split: `*` means hidden ones too, to TensorFlow as to Beam. So nothing
    unfinished may ever be there, where an engine goes on without a worker that it has lost.
    """
    write_bytes(shard_path(folders, split, shard, shards), data, folders.examples)


def remove_unfinished(folders: Folders) -> None:
    """Removes what killed workers left of shards that others have written since."""
    (left,) = FileSystems.match([FileSystems.join(folders.examples, ".*")])
    if left.metadata_list:
        FileSystems.delete([metadata.path for metadata in left.metadata_list])


def write_results(folders: Folders, vocabulary: Iterable[str], statistics: Mapping[str, Any]) -> None:
    """Writes the vocabulary, the summary, the page and, last, the statistics."""
    write_bytes(FileSystems.join(folders.vocabulary, schema.VOCABULARY_FILE), "".join(vocabulary).encode())
    write_bytes(FileSystems.join(folders.statistics, SUMMARY_FILE), format_summary(statistics).encode())
    write_bytes(FileSystems.join(folders.statistics, PAGE_FILE), to_html(statistics).encode())
    text = json.dumps(statistics, indent=2, ensure_ascii=False) + "\n"
    write_bytes(FileSystems.join(folders.statistics, STATISTICS_FILE), text.encode())
