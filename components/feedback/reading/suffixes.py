"""What the names of files say: their format and how they are compressed."""

import os
import zipfile

# By suffix.
FORMATS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".dat": "dat", ".parquet": "parquet", ".pq": "parquet"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
# Suffixes of what is not read, and the remedy.
NOT_READ = {
    ".zip": "a zip archive. Unpack it, and name the files in it",
    ".tar": "a tar archive. Unpack it, and name the files in it",
    ".tgz": "a tar archive. Unpack it, and name the files in it",
    ".7z": "a 7z archive. Unpack it, and name the files in it",
    ".rar": "a rar archive. Unpack it, and name the files in it",
    ".orc": "an ORC file. Convert it to Parquet",
    ".avro": "an Avro file. Convert it to Parquet",
    ".json": "JSON. Convert it to CSV or Parquet",
    ".jsonl": "JSON lines. Convert it to CSV or Parquet",
    ".xlsx": "a spreadsheet. Save it as CSV",
    **dict.fromkeys(
        (".snappy", ".lz4", ".br", ".lzo", ".deflate", ".z"),
        f"compressed in a way that is not read. Compress it as one of {', '.join(COMPRESSIONS)}",
    ),
}
_NAMED_MEMBERS = 3


def compression(path: str) -> str | None:
    """How a file is compressed, by its name; None if it is not."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def without_compression(path: str) -> str:
    """The name of the file inside."""
    return os.path.splitext(path)[0] if compression(path) else path


def zip_members(path: str) -> str:
    """The first files of a zip archive on this machine, as the end of a sentence; nothing of another file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile):
        return ""
    more = f" and {len(names) - _NAMED_MEMBERS:,} more" if len(names) > _NAMED_MEMBERS else ""
    return f": {', '.join(names[:_NAMED_MEMBERS])}{more}" if names else ""
