"""The models.config that makes TensorFlow Serving obey the marks of a serving folder: its text form, without protobuf.

TensorFlow Serving reads such a file by `--model_config_file`, and again every `--model_config_file_poll_wait_seconds`.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pnfrec_core import files, model_marks
from pnfrec_core.model_marks import ConfigFile, Marks, MarksError
from pnfrec_core.versions import complete_versions

CONFIG_FILE: Final = "models.config"
_OPEN: Final = "model_config_list {\n  config {\n"
_CLOSE: Final = "  }\n}\n"


def config_file(base: str | os.PathLike[str]) -> Path:
    """Where the file of a serving folder lies. No version has such a name."""
    return Path(base) / CONFIG_FILE


def versions_of(marks: Marks, versions: Iterable[int]) -> list[int]:
    """The versions that are loaded: the one that serves, and those with a label; in ascending order.

    Args:
        marks: Of the folder.
        versions: Those that are there and complete.
    """
    there = set(marks.good(versions))
    serving = marks.serving(there)
    labelled = {mark.version for mark in marks.labels.values()}
    return sorted((labelled & there) | ({serving} if serving is not None else set()))


def config_text(marks: Marks, versions: Iterable[int], config: ConfigFile) -> str:
    """The file's text.

    Where nothing is marked, the newest version serves, as without such a file.

    Raises:
        MarksError: Every version is bad: TensorFlow Serving cannot be told to serve none.
    """
    named = versions_of(marks, versions)
    policy = "latest { num_versions: 1 }"
    if marks.pinned or marks.labels or marks.bad:
        if not named:
            msg = "No version is there that is not bad, and TensorFlow Serving cannot be told to serve none."
            raise MarksError(msg)
        policy = f"specific {{ {' '.join(f'versions: {version}' for version in named)} }}"
    lines = [
        f"name: {_quoted(config.name)}",
        f"base_path: {_quoted(config.base_path)}",
        'model_platform: "tensorflow"',
        f"model_version_policy {{ {policy} }}",
        *(
            f"version_labels {{ key: {_quoted(label)} value: {mark.version} }}"
            for label, mark in sorted(marks.labels.items())
            if mark.version in named
        ),
    ]
    inner = "".join(f"    {line}\n" for line in lines)
    return f"# Written by `pnfrec models`, and again with every change and push.\n{_OPEN}{inner}{_CLOSE}"


def _quoted(text: str) -> str:
    """A string of protobuf's text form, which escapes quotes and backslashes as JSON does."""
    return json.dumps(text, ensure_ascii=False)


def refresh(base: str | os.PathLike[str]) -> bool:
    """Writes the file of a serving folder anew; False where nobody wants one, so that nothing was written.

    A file that somebody has deleted is not wanted any more.

    Raises:
        MarksError: The marks are damaged, or every version is bad. The file stays as it was.
        OSError: It cannot be written.
    """
    if not config_file(base).is_file():
        return False
    with model_marks.locked(base):
        marks = model_marks.read(base)
        if marks.config_file is None:
            return False
        write(base, marks, complete_versions(base), marks.config_file)
    return True


def write(base: str | os.PathLike[str], marks: Marks, versions: Iterable[int], config: ConfigFile) -> None:
    """Writes the file of a serving folder, which has to be locked; raises as `refresh`."""
    file, text = config_file(base), config_text(marks, versions, config)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        files.write(file, text)
