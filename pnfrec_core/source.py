"""What one Python source says about others: its imports, the modules that it names in strings, the files beside it."""

import ast
import dataclasses
import enum
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_FILE_NAME = re.compile(r"\w[\w.-]*")


class When(enum.Enum):
    """When an import is made."""

    AT_IMPORT = "at import"
    WHEN_CALLED = "when called"
    BY_NAME = "by name"
    FOR_TYPES = "for types only"


@dataclasses.dataclass(frozen=True)
class Mention:
    """A module that a source may mean, before it is looked up.

    Attributes:
        names: The more specific first: `from a import b` may mean the module a.b, or something in the module a. A
            relative name begins with its dots.
        when: When it is imported.
        line: Of the source, from 1.
        is_package: Whether each module of the package is meant: an f-string begins with its name and a dot.
    """

    names: tuple[str, ...]
    when: When
    line: int
    is_package: bool = False


@dataclasses.dataclass(frozen=True)
class Source:
    """What a source says.

    Attributes:
        mentions: Modules that it imports or names, in the order of the syntax tree.
        words: Constants that may be the name of a file or folder.
    """

    mentions: tuple[Mention, ...]
    words: frozenset[str]


def read_source(path: Path) -> Source:
    """Reads a source; as long as it does not change, once in a process.

    Raises:
        SyntaxError: It is no Python.
    """
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


def meaning(source: str | bytes) -> str:
    """Python source as its syntax tree, which comments, docstrings and layout do not change."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            del node.body[: ast.get_docstring(node) is not None]
    return ast.dump(tree)


@functools.cache
def _read(path: Path, modified: int, size: int) -> Source:
    del modified, size  # of the cache's key
    reader = _Reader()
    reader.read(ast.parse(path.read_bytes(), str(path)), When.AT_IMPORT)
    return Source(tuple(reader.mentions), frozenset(reader.words))


class _Reader:
    """Walks a syntax tree."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.words: set[str] = set()
        # By type, as half of all nodes are of a few types that hold nothing of interest.
        self._readers: dict[type[ast.AST], Callable[[Any, When], None]] = {
            ast.Import: self._import,
            ast.ImportFrom: self._import_from,
            ast.Constant: self._constant,
            ast.JoinedStr: self._formatted,
            ast.If: self._if,
            **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), self._function),
            **dict.fromkeys((ast.Name, ast.Load, ast.Store, ast.Pass), _nothing),
        }

    def read(self, node: ast.AST, when: When) -> None:
        self._readers.get(type(node), self._children)(node, when)

    def _children(self, node: ast.AST, when: When) -> None:
        for child in ast.iter_child_nodes(node):
            self.read(child, when)

    def _import(self, node: ast.Import, when: When) -> None:
        self.mentions += [Mention((alias.name,), when, node.lineno) for alias in node.names]

    def _import_from(self, node: ast.ImportFrom, when: When) -> None:
        base = "." * node.level + (node.module or "")
        joined = base if base.endswith(".") else f"{base}."
        self.mentions += [Mention((f"{joined}{alias.name}", base), when, node.lineno) for alias in node.names]

    def _if(self, node: ast.If, when: When) -> None:
        for_types = _asks_for_types(node.test)
        self.read(node.test, when)
        for child in node.body:
            self.read(child, When.FOR_TYPES if for_types else when)
        for child in node.orelse:
            self.read(child, when)

    def _function(self, node: ast.AST, when: When) -> None:
        self._children(node, When.WHEN_CALLED if when is When.AT_IMPORT else when)

    def _constant(self, node: ast.Constant, when: When) -> None:
        del when  # a name is looked up whenever somebody wants to
        text = node.value
        if not isinstance(text, str) or not _FILE_NAME.fullmatch(text):
            return
        self.words.add(text)
        if _DOTTED.fullmatch(text):
            # The module, or the one that has the attribute. A top-level package alone is too common a word.
            owner = text.rpartition(".")[0]
            self.mentions.append(Mention((text, owner) if "." in owner else (text,), When.BY_NAME, node.lineno))

    def _formatted(self, node: ast.JoinedStr, when: When) -> None:
        begin = node.values[0].value if node.values and isinstance(node.values[0], ast.Constant) else ""
        if isinstance(begin, str) and begin.endswith(".") and _DOTTED.fullmatch(begin[:-1]):
            self.mentions.append(Mention((begin[:-1],), When.BY_NAME, node.lineno, is_package=True))
        self._children(node, when)


def _nothing(node: ast.AST, when: When) -> None:
    del node, when


def _asks_for_types(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )
