"""What the names of files say: their format and how they are compressed."""

import os

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


def compression(path: str) -> str | None:
    """How a file is compressed, by its name; None if it is not."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def without_compression(path: str) -> str:
    """The name of the file inside."""
    return os.path.splitext(path)[0] if compression(path) else path
