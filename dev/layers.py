"""Who may import what, of layers.yaml: a row a package, checked by tests/test_layers.py, and rendered for the docs."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ANYTHING = "anything"
_TABLE = Path(__file__).with_name("layers.yaml")
_HEAD = "| package | subject | may import | later only: inside functions, by name, for types |"


@dataclasses.dataclass(frozen=True)
class Row:
    """What a package is about, and what it may import.

    Attributes:
        package: Dotted name; of several rows that hold a module, the longest counts.
        subject: In a few words.
        imports: What its modules may import when they are imported.
        later: What they may import only later.
        only_in: Of the entries of `imports`, those that some modules alone may import, and which.
    """

    package: str
    subject: str
    imports: Sequence[str] = ()
    later: Sequence[str] = ()
    only_in: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Distance:
    """What modules must not reach, by whichever way.

    Attributes:
        modules: Dotted names, each with all beneath it.
        never: Third-party or own packages.
        why: The reason.
        at_import: Whether they may be reached when a function runs, and by name.
    """

    modules: Sequence[str]
    never: Sequence[str]
    why: str
    at_import: bool = False


def rows() -> list[Row]:
    """The table."""
    return [Row(**row) for row in _table()["rows"]]


def distances() -> list[Distance]:
    """What must not be reached."""
    return [Distance(**distance) for distance in _table()["distances"]]


def row_of(module: str) -> Row:
    """The row that holds a module.

    Raises:
        LookupError: No row does.
    """
    found = [row for row in rows() if is_within(module, row.package)]
    if not found:
        msg = f"{module} has no row in {_TABLE}. Add one for its package."
        raise LookupError(msg)
    return max(found, key=lambda row: len(row.package))


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def render_table() -> str:
    """The rows as a Markdown table."""
    lines = [f"| `{row.package}` | {row.subject} | {_imports(row)} | {_names(row.later)} |" for row in rows()]
    return "\n".join([_HEAD, "|---|---|---|---|", *lines]) + "\n"


def _imports(row: Row) -> str:
    return ", ".join(
        _names([name]) + (f" (in {_names(only)} only)" if (only := row.only_in.get(name)) else "")
        for name in row.imports
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(name if name == ANYTHING else f"`{name}`" for name in names)


@functools.cache
def _table() -> Any:
    return yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
