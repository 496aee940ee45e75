"""Which own files a module reaches: the import graph of this repository, read from its sources without importing any.

A module is a dotted name, "pnfrec_keras.training.fitting". An import counts by when it is made:

- at import: on module level, also inside `if` and `try`;
- when called: inside a function;
- by name: a string that is the dotted name of an own module or of an attribute of one, as in TFX's `run_fn`, in `-m`
  of a command or in a table of commands; an f-string that begins with the name of an own package and a dot names each
  module of that package;
- for types only: under `if TYPE_CHECKING`. It never happens, so no closure follows it; the table of layers checks it.

A package's `__init__` runs before its modules do. Reached that way alone, only what it imports at import counts: what
it would hand out when it is asked (`__getattr__`) is not reached yet.
"""

import dataclasses
import functools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pnfrec_core import launch
from pnfrec_core.source import Mention, When, read_source

ROOT = Path(__file__).resolve().parents[1]
# Named, since an installed pnfrec lies among the packages of others.
PACKAGES = (*launch.PACKAGES, "benchmarks", "dev", "tests")

# Files that code reads beside itself: the package data of pyproject.toml.
_DATA_SUFFIXES = frozenset({".csv", ".html", ".pbtxt", ".yaml", ".yml"})


@dataclasses.dataclass(frozen=True)
class Import:
    """One import.

    Attributes:
        name: Dotted name of an own module, or the top-level name of a third-party package.
        is_own: Whether it is a module of this repository.
        when: When it is made.
        line: Of the source, from 1.
    """

    name: str
    is_own: bool
    when: When
    line: int


class Graph:
    """The import graph beneath a folder, as it is now: what has been read once is not looked at again.

    Args:
        root: The folder that holds the packages.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._files: dict[str, Path | None] = {}
        self._imports: dict[Path, list[Import]] = {}
        self._words: dict[Path, frozenset[str]] = {}
        self._data: dict[Path, dict[str, list[Path]]] = {}

    def find(self, module: str) -> Path | None:
        """The file of an own module, of a package its `__init__.py`; None where there is no such module."""
        if module.partition(".")[0] not in PACKAGES:
            return None
        if module not in self._files:
            path = self.root.joinpath(*module.split("."))
            files = (path.with_suffix(".py"), path / "__init__.py")
            self._files[module] = next((file for file in files if file.is_file()), None)
        return self._files[module]

    def imports_of(self, path: Path) -> list[Import]:
        """All imports of a source, those of the standard library left out.

        Raises:
            SyntaxError: The file is no Python.
        """
        if path not in self._imports:
            own = module_name(path, self.root)
            package = own if path.name == "__init__.py" else own.rpartition(".")[0]
            mentions = read_source(path).mentions
            self._imports[path] = [found for mention in mentions for found in self._resolve(mention, package)]
        return self._imports[path]

    def closure(self, *modules: str, at_import_only: bool = False) -> list[Path]:
        """All own files that modules reach: see the function `closure`."""
        found = set(self._reached(modules, at_import_only))
        return sorted(found | set(self._data_of(found)))

    def third_party(self, *modules: str, at_import_only: bool = False) -> set[str]:
        """All third-party packages that modules reach: see the function `third_party`."""
        found = set()
        for path, is_whole in self._reached(modules, at_import_only).items():
            found |= {each.name for each in self._followed(path, is_whole) if not each.is_own}
        return found

    def _reached(self, modules: Iterable[str], at_import_only: bool) -> dict[Path, bool]:
        """Files to whether all that they import is followed; of the others, what they import at import."""
        found: dict[Path, bool] = {}
        waiting = [(name, not at_import_only) for name in modules]
        while waiting:
            name, is_whole = waiting.pop()
            path = self.find(name)
            if path is None:
                msg = f"{self.root} has no module {name!r}. Reinstall pnfrec with its sources."
                raise ModuleNotFoundError(msg)
            if path in found and (found[path] or not is_whole):
                continue
            found[path] = is_whole
            if package := name.rpartition(".")[0]:
                waiting.append((package, False))
            own = (each.name for each in self._followed(path, is_whole) if each.is_own)
            waiting += [(each, not at_import_only) for each in own]
        return found

    def _followed(self, path: Path, is_whole: bool) -> Iterator[Import]:
        followed = {When.AT_IMPORT, When.WHEN_CALLED, When.BY_NAME} if is_whole else {When.AT_IMPORT}
        return (each for each in self.imports_of(path) if each.when in followed)

    def _resolve(self, mention: Mention, package: str) -> Iterator[Import]:
        names = [_absolute(name, package) for name in mention.names]
        own = next((name for name in names if self.find(name)), None)
        if own is not None:
            for name in self._modules_of(own) if mention.is_package else [own]:
                yield Import(name, True, mention.when, mention.line)
        elif mention.when is not When.BY_NAME:
            top = names[-1].partition(".")[0]
            if top not in sys.stdlib_module_names:
                yield Import(top, False, mention.when, mention.line)

    def _modules_of(self, package: str) -> list[str]:
        path = self.find(package)
        if path is None or path.name != "__init__.py":
            return []
        return [module_name(file, self.root) for file in sorted(path.parent.glob("*.py"))]

    def _words_of(self, path: Path) -> frozenset[str]:
        if path not in self._words:
            self._words[path] = read_source(path).words
        return self._words[path]

    def _data_of(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Data files in the packages of sources, and in those around them, that any of the sources names."""
        words = {word for path in paths for word in self._words_of(path)}
        folders = {folder for path in paths for folder in path.parents if folder.is_relative_to(self.root)}
        for folder in folders - {self.root}:
            if folder not in self._data:
                self._data[folder] = _data_in(folder)
            for name, files in self._data[folder].items():
                if name in words:
                    yield from files


@functools.cache
def own_graph() -> Graph:
    """The graph of this installation: one in a process, so that all who ask see the same code."""
    return Graph()


def module_files(root: Path = ROOT) -> dict[str, Path]:
    """All own modules by name; a package goes by its own name and is its `__init__.py`."""
    files = [file for package in PACKAGES for file in sorted((root / package).rglob("*.py"))]
    return {module_name(file, root): file for file in files}


def module_name(path: Path, root: Path = ROOT) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> list[Import]:
    """All imports of one of our own sources, those of the standard library left out."""
    return own_graph().imports_of(path)


def closure(*modules: str, at_import_only: bool = False) -> list[Path]:
    """All own files that modules reach.

    These are sources, the `__init__` of packages, and data files in these packages that the sources name: page.html, or
    a folder of YAML files.

    Args:
        modules: Where to begin.
        at_import_only: Whether to leave out what is imported when called or by name.

    Returns:
        Sorted, those of `modules` among them.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    return own_graph().closure(*modules, at_import_only=at_import_only)


def third_party(*modules: str, at_import_only: bool = False) -> set[str]:
    """Top-level names of all third-party packages that modules reach, by themselves or through own modules.

    Args:
        modules: Where to begin.
        at_import_only: Whether to leave out what is imported when called or by name.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    return own_graph().third_party(*modules, at_import_only=at_import_only)


def _data_in(folder: Path) -> dict[str, list[Path]]:
    """Data files of a folder, and folders in it that are no packages with all data files beneath them, by name."""
    found = {}
    for path in folder.iterdir():
        if path.is_file() and path.suffix in _DATA_SUFFIXES:
            found[path.name] = [path]
        elif path.is_dir() and not (path / "__init__.py").exists():
            found[path.name] = [file for file in path.rglob("*") if file.suffix in _DATA_SUFFIXES]
    return found


def _absolute(name: str, package: str) -> str:
    """The name of a relative import: one dot is the package, each further one the package around it."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".")
    return ".".join(part for part in (*parts[: len(parts) - level + 1], name[level:]) if part)
