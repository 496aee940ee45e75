"""Which files a path, a folder or a glob means: the one place that follows globs of feedback.

Only the standard library is imported here, and Beam for files of another machine, so that commands and cache keys can
ask for the files without waiting for imports.
"""

import glob
import os
from collections.abc import Iterable
from urllib.parse import unquote

from components.feedback.reading.suffixes import (
    COMPRESSIONS,
    FORMATS,
    NOT_READ,
    compression,
    without_compression,
    zip_members,
)
from components.feedback.spans.pattern import SpanPattern, has_placeholder
from pnfrec_core.errors import FeedbackError
from pnfrec_data.registry import remedy

# How Hive and Spark write the value of a folder that stands for none.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def is_remote(path: str) -> bool:
    return "://" in path


def absolute(base: str, path: str) -> str:
    """`path`, taken from `base` where it is relative."""
    return path if is_remote(path) else os.path.join(base, path)


def file_format(path: str, setting: str) -> str:
    """Format of the file at `path`: the setting, or by its suffix.

    Raises:
        FeedbackError: The suffix is unknown, or of something that is not read.
    """
    suffix = os.path.splitext(without_compression(path))[1].lower()
    if setting in ("auto", "parquet") and suffix in (".parquet", ".pq") and (kind := compression(path)):
        msg = (
            f"{path}: a Parquet file that is compressed as a whole. Unpack it ({kind}); Parquet compresses what is "
            "inside it."
        )
        raise FeedbackError(msg)
    if setting != "auto":
        return setting
    for name in (os.path.splitext(path)[1].lower(), suffix):
        if name in NOT_READ:
            msg = f"{path}: {NOT_READ[name]}{zip_members(path)}."
            raise FeedbackError(msg)
    if suffix not in FORMATS:
        msg = (
            f"{path}: the suffix does not tell the format. Known: {', '.join(sorted(FORMATS))}, the text ones also "
            f"with {', '.join(COMPRESSIONS)}. Set `feedback.format` to csv, dat or parquet."
        )
        raise FeedbackError(msg)
    return FORMATS[suffix]


def path_columns(path: str) -> dict[str, str | None]:
    """What folders named like `column=value` say of every row of a file, as Hive and Spark lay them out.

    >>> path_columns("out/split=train/dt=2013-05/part-0.parquet")
    {'split': 'train', 'dt': '2013-05'}
    """
    pairs = (folder.split("=", 1) for folder in path.split("/")[:-1] if "=" in folder[1:])
    return {unquote(name): None if value == _NO_VALUE else unquote(value) for name, value in pairs}


def span_paths(base: str, pattern: SpanPattern) -> tuple[str, list[str]]:
    """The folder that the pattern counts from, and the files of whatever numbers may stand in its places."""
    path = absolute(base, pattern.glob)
    if is_remote(path):
        found = _match_remote(path) or (_match_remote(f"{path}/**") if pattern.is_folder else [])
        return ("" if is_remote(pattern.text) else base), found
    rooted = pattern.glob if os.path.isabs(pattern.glob) else os.path.join(glob.escape(base), pattern.glob)
    files: set[str] = set()
    for match in glob.glob(rooted, recursive=True):
        if os.path.isfile(match):
            files.add(match)
        elif pattern.is_folder:
            files.update(_files_under(match))
    root = "" if os.path.isabs(pattern.text) else base
    return root, sorted(_visible(files, _fixed_part(base, pattern.glob)))


def match_files(base: str, pattern: str, setting: str) -> list[str]:
    """The files that a path, a folder or a glob means.

    Args:
        base: What a relative one is taken from; signs of globs mean nothing in it.
        pattern: The path, folder or glob; with placeholders it means the files of all spans.
        setting: The key that holds it, for messages.

    Raises:
        FeedbackError: There is no such file, or no file in the folder or of the glob.
    """
    path = absolute(base, pattern)
    if has_placeholder(pattern):
        found = span_paths(base, SpanPattern(pattern, setting))[1]
    elif is_remote(path):
        found = _match_remote(path)
    elif os.path.isdir(path):
        found = _visible(_files_under(path), path)
        if not found:
            msg = f"`{setting}`: the folder {path} holds no file (names that begin with _ or . do not count)."
            raise FeedbackError(msg)
    elif os.path.exists(path):
        return [path]
    else:
        rooted = pattern if os.path.isabs(pattern) else os.path.join(glob.escape(base), pattern)
        matched = [match for match in glob.glob(rooted, recursive=True) if os.path.isfile(match)]
        found = _visible(matched, _fixed_part(base, pattern))
    if found:
        return found
    if glob.has_magic(pattern) or has_placeholder(pattern):
        msg = f"`{setting}`: no file matches the glob {path}. Relative globs are taken from `feedback.base`."
    else:
        hint = remedy(path) or "Relative paths are taken from `feedback.base`."
        msg = f"`{setting}`: there is no file {path}. {hint}"
    raise FeedbackError(msg)


def _match_remote(path: str) -> list[str]:
    from apache_beam.io.filesystems import FileSystems

    def matches(pattern: str) -> list[str]:
        return [metadata.path for match in FileSystems.match([pattern]) for metadata in match.metadata_list]

    if not glob.has_magic(path):
        # A folder has no entry of its own in an object store.
        exact = [found for found in matches(path) if found == path]
        return exact or _visible(matches(path.rstrip("/") + "/**"), path)
    return _visible(matches(path), path[: min(path.index(sign) for sign in "*?[" if sign in path)].rpartition("/")[0])


def _files_under(folder: str) -> Iterable[str]:
    """The files in a folder and in those below it, each folder once: a link may lead back to one above."""
    seen = {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, followlinks=True):
        # In order, so that of several ways to one folder it is always the same that counts.
        entered = []
        for name in sorted(folders):
            if (real := os.path.realpath(os.path.join(parent, name))) not in seen:
                seen.add(real)
                entered.append(name)
        folders[:] = entered
        yield from (path for name in names if os.path.isfile(path := os.path.join(parent, name)))


def _fixed_part(base: str, pattern: str) -> str:
    """The folder before the first part of a local glob that holds a sign of globs."""
    parts = pattern.split("/")
    magic = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return os.path.join(base, "/".join([*parts[:magic], ""]))


def _visible(paths: Iterable[str], root: str) -> list[str]:
    """Those of some files in whose name below `root` no part begins with `_` or `.`.

    These are what engines leave beside their output: `_SUCCESS`, `_temporary`, `.part-0.crc`.
    """
    below = ((path, path[len(root) :] if is_remote(path) else os.path.relpath(path, root or ".")) for path in paths)
    return [path for path, name in below if not any(_is_hidden(part) for part in name.split("/"))]


def _is_hidden(part: str) -> bool:
    return part[:1] in ("_", ".") and part not in (".", "..")
