"""What people have decided about the versions in a serving folder: which is pinned, which labels name which, and which
are bad.

One file beside the versions holds it, which the Pusher, the gate, both servers and `pnfrec models` obey. Its name is no
number, so that TensorFlow Serving passes it over. It is written whole or not at all. Standard library only.
"""

import contextlib
import dataclasses
import datetime
import getpass
import json
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pnfrec_core import files, locks

MARKS_FILE: Final = "marks.json"
_LOCK_FILE: Final = ".marks.lock"
FORMAT: Final = 1
# Labels that split the traffic of those who ask for no version.
STABLE: Final = "stable"
CANARY: Final = "canary"
# What a path of REST can carry as it is.
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class MarksError(ValueError):
    """The file of marks cannot be read, or a mark makes no sense. The message names the file and the remedy."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """One decision about one version.

    Attributes:
        version: The version.
        time: When, by ISO 8601 in UTC.
        who: User and machine.
        reason: Why, as they said.
        model: Of a bad version the digest of its model, by which it is known under another number too; else "".
        judged: Of a bad version that was refitted the digest of the model that the gate judged in its place; else "".
    """

    version: int
    time: str = ""
    who: str = ""
    reason: str = ""
    model: str = ""
    judged: str = ""

    def __str__(self) -> str:
        said = f": {self.reason}" if self.reason else ""
        return f"{self.time} by {self.who}{said}"


@dataclasses.dataclass(frozen=True)
class ConfigFile:
    """What the models.config for TensorFlow Serving says beside the marks.

    Attributes:
        name: The model, as requests name it.
        base_path: The serving folder, as TensorFlow Serving sees it, such as /models/pnfrec in a container.
    """

    name: str
    base_path: str


@dataclasses.dataclass(frozen=True)
class Marks:
    """All decisions about one serving folder.

    Attributes:
        pinned: The version that serves whatever is pushed; None where the newest does.
        labels: The version of each label.
        bad: Versions that nobody serves, pushes again or compares with, by number.
        config_file: Set once a models.config was written.
    """

    pinned: Mark | None = None
    labels: Mapping[str, Mark] = dataclasses.field(default_factory=dict)
    bad: Mapping[int, Mark] = dataclasses.field(default_factory=dict)
    config_file: ConfigFile | None = None

    @property
    def bad_models(self) -> dict[str, Mark]:
        """The mark of each bad model by its digest, and of the judged ones that bad ones were refitted from."""
        return {digest: mark for mark in self.bad.values() for digest in (mark.model, mark.judged) if digest}

    def good(self, versions: Iterable[int]) -> list[int]:
        """Those of the versions that are not bad, the newest first."""
        return sorted((version for version in versions if version not in self.bad), reverse=True)

    def serving(self, versions: Iterable[int]) -> int | None:
        """The version that answers whoever asks for none: the pinned one, else the newest that is not bad.

        Args:
            versions: Those that are there and complete.
        """
        good = self.good(versions)
        if self.pinned is not None and self.pinned.version in good:
            return self.pinned.version
        return next(iter(good), None)

    def names_of(self, version: int) -> list[str]:
        """The labels of a version."""
        return sorted(label for label, mark in self.labels.items() if mark.version == version)


def marks_file(base: str | os.PathLike[str]) -> Path:
    """Where the marks of a serving folder lie."""
    return Path(base) / MARKS_FILE


def read(base: str | os.PathLike[str]) -> Marks:
    """The marks of a serving folder; none where there is no file, or the folder lies in a store of objects.

    Raises:
        MarksError: The file is there and damaged, or cannot be read.
    """
    if "://" in str(base):
        return Marks()
    file = marks_file(base)
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Marks()
    except (OSError, ValueError) as error:
        msg = f"{file}: the marks of the versions cannot be read ({error}). {_remedy(file)}"
        raise MarksError(msg) from error
    try:
        return _parse(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        said = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        msg = f"{file}: the marks of the versions are damaged ({said}). {_remedy(file)}"
        raise MarksError(msg) from error


def _remedy(file: Path) -> str:
    return (
        f"Mend the file, or put back a copy of it. Or move it away (mv {file} {file}.damaged), which forgets every "
        "pin, label and bad version, and set them again with `pnfrec models`. A server that runs keeps to the marks "
        "that it read last."
    )


@contextlib.contextmanager
def locked(base: str | os.PathLike[str]) -> Iterator[None]:
    """Keeps other programs from changing what lies beside the versions.

    Raises:
        OSError: The folder is missing or cannot be written to.
    """
    with locks.holding(Path(base) / _LOCK_FILE):
        yield


@contextlib.contextmanager
def editing(base: str | os.PathLike[str]) -> Iterator["Draft"]:
    """Changes the marks: what the block leaves in the draft is written at its end, unless it raises.

    Other changes wait meanwhile, so that none is lost.

    Raises:
        MarksError: The file is damaged.
        OSError: The folder is missing or cannot be written to.
    """
    with locked(base):
        draft = Draft(read(base))
        before = draft.marks
        yield draft
        if draft.marks != before:
            files.write(marks_file(base), to_json(draft.marks))


class Draft:
    """Marks that change."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks

    def set(self, **fields: Any) -> None:
        """Replaces fields of the marks."""
        self.marks = dataclasses.replace(self.marks, **fields)


def new_mark(version: int, reason: str = "", model: str = "", judged: str = "") -> Mark:
    """A mark of now, by the user of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        user = str(os.getuid())
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Mark(version, now, f"{user}@{socket.gethostname()}", reason, model, judged)


def check_label(label: str) -> None:
    """Raises MarksError where a text cannot be a label."""
    if not _LABEL.fullmatch(label):
        msg = (
            f"A label is of letters, digits, points, `-` and `_`, begins with a letter or a digit and has at most 63 "
            f"signs, such as `{STABLE}`. Received: {label!r}."
        )
        raise MarksError(msg)


def to_json(marks: Marks) -> str:
    """The text of the file."""
    fields = {
        "format": FORMAT,
        "pinned": None if marks.pinned is None else _row(marks.pinned),
        "labels": {label: _row(marks.labels[label]) for label in sorted(marks.labels)},
        "bad": [_row(marks.bad[version]) for version in sorted(marks.bad)],
        "config_file": None if marks.config_file is None else dataclasses.asdict(marks.config_file),
    }
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def _row(mark: Mark) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(mark).items() if value != ""}


def _parse(fields: Any) -> Marks:
    if fields["format"] != FORMAT:
        msg = f"`format` is {fields['format']!r}, and this pnfrec reads {FORMAT}"
        raise ValueError(msg)
    unknown = sorted(set(fields) - {"format", "pinned", "labels", "bad", "config_file"})
    if unknown:
        msg = f"unknown: {', '.join(map(repr, unknown))}"
        raise ValueError(msg)
    bad = [_mark(row) for row in fields["bad"]]
    config = fields["config_file"]
    return Marks(
        None if fields["pinned"] is None else _mark(fields["pinned"]),
        {str(label): _mark(row) for label, row in fields["labels"].items()},
        {mark.version: mark for mark in bad},
        None if config is None else ConfigFile(**config),
    )


def _mark(row: Mapping[str, Any]) -> Mark:
    mark = Mark(**row)
    told = [value for name, value in row.items() if name != "version"]
    if type(mark.version) is not int or not all(isinstance(value, str) for value in told):
        msg = f"not a mark: {dict(row)!r}"
        raise ValueError(msg)
    return mark
