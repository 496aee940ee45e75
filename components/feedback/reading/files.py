"""Which files the settings name, in the order of the input. It is the one place that follows globs of `feedback.files`.

Only the standard library is imported here, and Beam for files of another machine, so that commands and cache keys can
ask for the files without waiting for imports.
"""

import glob
import os
from typing import TYPE_CHECKING

from components.feedback.errors import FeedbackError
from pnfrec_data.registry import remedy

if TYPE_CHECKING:
    from components.feedback.config import FeedbackConfig

_SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".dat": "dat", ".parquet": "parquet", ".pq": "parquet"}


def is_remote(path: str) -> bool:
    return "://" in path


def is_gzip(path: str) -> bool:
    return path.lower().endswith(".gz")


def absolute(base: str, path: str) -> str:
    """`path`, taken from `base` where it is relative."""
    return path if is_remote(path) else os.path.join(base, path)


def file_format(path: str, setting: str) -> str:
    """Format of the file at `path`: the setting, or by its suffix.

    Raises:
        FeedbackError: The suffix is unknown.
    """
    if setting != "auto":
        return setting
    stem = path[: -len(".gz")] if is_gzip(path) else path
    suffix = os.path.splitext(stem)[1].lower()
    if suffix not in _SUFFIXES:
        msg = (
            f"{path}: the suffix does not tell the format. Known: {', '.join(sorted(_SUFFIXES))}, the text ones also "
            "with .gz. Set `feedback.format` to csv, dat or parquet."
        )
        raise FeedbackError(msg)
    return _SUFFIXES[suffix]


def expand_files(config: "FeedbackConfig") -> list[str]:
    """The input files in order: sorted by path, each once however it is spelled.

    Raises:
        FeedbackError: A file is missing, is a folder, or a glob matches no file.
    """
    paths: set[str] = set()
    for pattern in config.files:
        paths.update(match_files(config.base, pattern, "feedback.files"))
    first: dict[str, str] = {}
    for path in sorted(paths):
        # A link or `./` must not double the interactions.
        first.setdefault(path if is_remote(path) else os.path.realpath(path), path)
    return list(first.values())


def match_files(base: str, pattern: str, setting: str) -> list[str]:
    """The files that a path or glob means, taken from `base` where it is relative.

    Args:
        base: A folder. Its name is no glob, whatever signs it holds.
        pattern: The path or glob.
        setting: The key that holds the pattern, for messages.

    Raises:
        FeedbackError: There is no such file, it is a folder, or the glob matches no file.
    """
    path = absolute(base, pattern)
    if is_remote(path):
        from apache_beam.io.filesystems import FileSystems

        found = [metadata.path for match in FileSystems.match([path]) for metadata in match.metadata_list]
    elif os.path.isdir(path):
        msg = f"`{setting}`: {path} is a folder. Name the files in it, for example {os.path.join(path, '*.csv')}."
        raise FeedbackError(msg)
    elif os.path.exists(path):
        return [path]
    else:
        found = glob.glob(absolute(glob.escape(base), pattern), recursive=True)
        found = [match for match in found if os.path.isfile(match)]
    if found:
        return found
    if glob.has_magic(pattern):
        msg = f"`{setting}`: no file matches the glob {path}. Relative globs are taken from `feedback.base`."
    else:
        hint = remedy(path) or "Relative paths are taken from `feedback.base`."
        msg = f"`{setting}`: there is no file {path}. {hint}"
    raise FeedbackError(msg)
