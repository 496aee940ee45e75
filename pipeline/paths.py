"""What a path in a configuration may be, and where it leads on this machine.

`~` and `file://` lead to this machine; what lies in a store of objects keeps its scheme, and Beam opens it.
"""

import dataclasses
import os
import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.feedback.events import with_paths
from pnfrec_core.settings.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig


@dataclasses.dataclass(frozen=True)
class Store:
    """A store of objects that Beam can open.

    Attributes:
        module: What Beam opens it with.
        extra: The extra of Beam that brings the module.
    """

    module: str
    extra: str


STORES: Final = {
    "gs": Store("google.cloud.storage", "gcp"),
    "s3": Store("boto3", "aws"),
    "azfs": Store("azure.storage.blob", "azure"),
}
# What people write for a store, and how it is written here.
_OTHER_NAMES: Final = {"s3a": "s3", "s3n": "s3", "gcs": "gs", "wasb": "azfs", "abfs": "azfs", "abfss": "azfs"}
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# What TFX, TensorFlow and Beam take for a pattern wherever a path of an artifact goes through their hands.
_PATTERNS: Final = {"output": re.compile(r"[*?\[\\]"), "serving": re.compile(r"[\[\\]")}


def scheme_of(path: str) -> str:
    """The scheme of a path, in small letters; "" of a path on this machine."""
    found = _SCHEME.match(path)
    return found[1].lower() if found else ""


def with_settled_paths(config: "PipelineConfig", folder: Path) -> "PipelineConfig":
    """The configuration with every path as it is meant.

    Args:
        config: As it was written.
        folder: That relative paths count from: that of the YAML file, wherever the command is typed.

    Raises:
        ConfigError: A path cannot be used; the message has a sentence for each.
    """
    problems: list[str] = []

    def settle(path: str, key: str, take: Callable[[str, str], str]) -> str:
        try:
            return take(path, key)
        except ConfigError as error:
            problems.append(str(error))
            return path

    def feedback_path(path: str, key: str) -> str:
        return settle(path, key, _in_a_store_or_here)

    def base_folder(path: str, key: str) -> str:
        found = _in_a_store_or_here(path, key)
        return found if scheme_of(found) else absolute(found, folder)

    def folder_here(path: str, key: str) -> str:
        return settle(path, key, lambda path, key: _output_folder(path, key, folder))

    feedback = config.feedback
    base = settle(feedback.base, "feedback.base", base_folder)
    titles = feedback.titles
    if titles is not None:
        titles = dataclasses.replace(titles, file=feedback_path(titles.file, "feedback.titles.file"))
    keep = feedback.keep_read
    if keep.folder:
        keep = dataclasses.replace(keep, folder=folder_here(keep.folder, "feedback.keep_read.folder"))
    feedback = with_paths(dataclasses.replace(feedback, base=base, keep_read=keep, titles=titles), feedback_path)
    output = folder_here(config.output, "output")
    serving = folder_here(config.serving, "serving") if config.serving else ""
    if problems:
        raise ConfigError("\n  ".join(["paths that cannot be used:", *dict.fromkeys(problems)]))
    return dataclasses.replace(config, output=output, serving=serving, feedback=feedback)


def absolute(path: str, folder: Path) -> str:
    """`path`, taken from `folder` where it is relative, without links."""
    return os.path.realpath(os.path.join(folder, path))


def _output_folder(path: str, key: str, folder: Path) -> str:
    if scheme_of(path) not in ("", "file"):
        msg = f"`{key}` must be a folder of this machine. Received: {path!r}."
        raise ConfigError(msg)
    found = absolute(_here(path, key), folder)
    # Of the whole path, since TFX looks for artifacts by patterns that begin with it. It only copies to `serving`, and
    # there servers and the replay look by TensorFlow.
    magic = sorted(set(_PATTERNS[key].findall(found))) if key in _PATTERNS else []
    if magic:
        msg = (
            f"`{key}`: {found} holds {' and '.join(magic)}, which TFX and TensorFlow take for a pattern. Choose a "
            "folder without."
        )
        raise ConfigError(msg)
    return found


def _in_a_store_or_here(path: str, key: str) -> str:
    scheme = scheme_of(path)
    if scheme in ("", "file"):
        return _here(path, key)
    if scheme in STORES:
        return scheme + path[len(scheme) :]
    if scheme in _OTHER_NAMES:
        advice = f"Write it as {_OTHER_NAMES[scheme]}://, or copy the files to this machine"
    else:
        advice = "Copy the files to this machine, and name them there"
    stores = ", ".join(f"{name}://" for name in STORES)
    msg = (
        f"`{key}`: {path} cannot be read: feedback lies on this machine (a path, ~/ or file:///) or in a store that "
        f"Beam opens ({stores}). {advice}."
    )
    raise ConfigError(msg)


def _here(path: str, key: str) -> str:
    """A path on this machine without `~` and `file:`; a relative one stays relative."""
    if "\0" in path:
        msg = f"`{key}`: {path!r} holds a NUL character, which no path may."
        raise ConfigError(msg)
    if path.lower().startswith("file:/"):
        host, slash, rest = path[len("file:") :].removeprefix("//").partition("/")
        if host.lower() not in ("", "localhost") or not slash:
            msg = f"`{key}`: {path} names another machine. Expected file:/// and a path from the root of this one."
            raise ConfigError(msg)
        return "/" + urllib.parse.unquote(rest.lstrip("/"))
    if not path.startswith("~"):
        return path
    expanded = os.path.expanduser(path)
    if expanded.startswith("~"):
        name = path.partition("/")[0]
        msg = f"`{key}`: there is no home folder of {name}. Write the path in full, or ./{name} for a file so named."
        raise ConfigError(msg)
    return expanded
