"""Which tests a change can reach: those whose own code, followed through all imports, meets a file that changed."""

import dataclasses
import functools
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from pnfrec_core.imports import Graph, module_name
from pnfrec_core.source import read_source

ROOT: Final = Path(__file__).resolve().parents[2]
MAIN: Final = "origin/main"
_TOLD: Final = 8
# Whatever these say holds for every test.
_EVERYWHERE: Final = ("pyproject.toml", "setup.py", "requirements")


@dataclasses.dataclass(frozen=True)
class Change:
    """What is different from a commit.

    Attributes:
        since: The commit, in words.
        files: Paths below the root: what is committed since, what is not yet, and new files that git does not ignore.
    """

    since: str
    files: frozenset[Path]


def find_change(reference: str, root: Path = ROOT) -> Change:
    """What has changed since a commit.

    Args:
        reference: Any name of it. Empty: where this branch left `MAIN`, or on it the last commit but one.
        root: Of the repository.

    Raises:
        pytest.UsageError: Git does not know it.
    """
    since = reference
    if not reference:
        fork = _git(root, "merge-base", "HEAD", MAIN, check=False).strip()
        on_main = fork in ("", _git(root, "rev-parse", "HEAD").strip())
        reference, since = ("HEAD~1", "HEAD~1") if on_main else (fork, f"{fork[:8]}, where the branch left {MAIN}")
    names = _git(root, "diff", "--name-only", "--no-renames", "-z", reference, "--")
    names += _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return Change(since, frozenset(Path(name) for name in names.split("\0") if name))


def _git(root: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        msg = f"--changed: git {' '.join(words)} failed: {done.stderr.strip()}. Name a commit: --changed=REF."
        raise pytest.UsageError(msg)
    return done.stdout


class Reach:
    """What the files of tests reach.

    Args:
        root: Of the repository.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._graph = Graph(root)
        self._files = functools.cache(self._files_of)

    def meets(self, test: Path, files: Iterable[Path]) -> bool:
        """Whether a file of tests can reach one of `files`, which lie below the root.

        A source or a file of data is reached by way of imports, those of the conftest files that hold for the test
        included. Any other file (a text of the documentation, a configuration, `Makefile`) is where one of the sources
        has its name, or that of the outermost folder that it lies in, among its constants.
        """
        reached, words = self._files(test)
        return any(
            file.parts[0] in _EVERYWHERE
            or self._root / file in reached
            or (file.suffix != ".py" and bool({file.name, file.parts[0]} & words))
            for file in files
        )

    def _files_of(self, test: Path) -> tuple[frozenset[Path], frozenset[str]]:
        folders = [folder for folder in test.parents if folder.is_relative_to(self._root)]
        conftests = [folder / "conftest.py" for folder in folders]
        modules = [module_name(path, self._root) for path in (test, *conftests) if path.is_file()]
        reached = frozenset(self._graph.closure(*modules))
        sources = [path for path in reached if path.suffix == ".py"]
        return reached, frozenset(word for path in sources for word in read_source(path).words)


def choose(change: Change, root: Path = ROOT) -> tuple[list[Path], str]:
    """The files of tests that a change can reach, and a sentence about them."""
    reach, files = Reach(root), sorted((root / "tests").rglob("test_*.py"))
    chosen = [file for file in files if reach.meets(file, change.files)]
    said = f"--changed: {len(chosen)} of {len(files)} files of tests reach what has changed since {change.since}"
    if not change.files:
        return chosen, f"{said}: nothing has."
    names = ", ".join(sorted(map(str, change.files))[:_TOLD])
    more = f" and {len(change.files) - _TOLD} more" if len(change.files) > _TOLD else ""
    return chosen, f"{said}: {names}{more}."
