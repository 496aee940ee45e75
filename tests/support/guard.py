"""Holds the tests of `make check` to what they are there for: no TensorFlow, and no process of their own."""

import contextlib
import importlib.abc
import multiprocessing.util
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NoReturn

import numpy.testing  # noqa: F401 (asks lscpu at its import, which is not the doing of the first test that uses it)
import pytest

from tests.support.needs import HEAVY

_SPAWN = multiprocessing.util.spawnv_passfds
_PROCESS_EVENTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system")


class Guard:
    """Fails a test that does what it was not expected to need.

    Attributes:
        refused: What a test did in other threads, where no exception of ours would reach it.
    """

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._is_on = False
        sys.meta_path.insert(0, _Imports(self))
        # It cannot be taken away again.
        sys.addaudithook(self._hear)
        # What multiprocessing starts is heard of by no hook.
        multiprocessing.util.spawnv_passfds = self._spawn  # type: ignore[assignment]

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Looks while the context lasts: pytest and its plugins may start processes."""
        self._is_on, self.refused = True, []
        try:
            yield
        finally:
            self._is_on = False
        if self.refused:
            pytest.fail(self.refused[0])

    def refuse(self, what: str, mark: str) -> NoReturn:
        """Fails the test that runs."""
        msg = (
            f"A test of `make check` {what}. Nothing that its code names says so (tests/support/needs.py): give it "
            f"@pytest.mark.{mark}, then `make test` alone runs it; or do without."
        )
        if threading.current_thread() is threading.main_thread():
            # No exception that the code under test might handle.
            pytest.fail(msg)
        self.refused.append(msg)
        raise RuntimeError(msg)

    def _spawn(self, *arguments: Any) -> Any:
        self._hear("os.posix_spawn", arguments)
        return _SPAWN(*arguments)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_on and event in _PROCESS_EVENTS:
            self.refuse(f"starts a process ({event}: {str(arguments)[:200]})", "process")


class _Imports(importlib.abc.MetaPathFinder):
    """Finds packages that bring TensorFlow along, and refuses to load them: to ask where they lie costs nothing."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Leaves all other packages to whoever comes after."""
        if fullname not in HEAVY:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is not None:
            found.loader = _Refusal(self._guard)
        return found


class _Refusal(importlib.abc.Loader):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def create_module(self, spec: ModuleSpec) -> NoReturn:
        self._guard.refuse(f"imports {spec.name}", "tensorflow")

    def exec_module(self, module: ModuleType) -> NoReturn:
        raise NotImplementedError
