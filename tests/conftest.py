"""Options, marks and fixtures of all tests.

Marks are set by what the code of a test names (`tests.support.needs`): `tensorflow`, `process`.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import plain_dofns
from tests.support.changed import choose, find_change
from tests.support.guard import Guard
from tests.support.memory import let_go, settle
from tests.support.needs import HEAVY, PROCESS, ROOT, Sources, Unit, heavy
from tests.support.warm_python import WarmPython

_SOURCES = Sources()
_GUARD = pytest.StashKey[Guard]()
_CHOSEN = pytest.StashKey[frozenset[Path]]()
_SLOW = frozenset(["tensorflow", "process", "e2e"])
_SAYS = pytest.StashKey[str]()
# What the files of tests are begun in the order of: what takes longest first, so that no process is left with it alone.
_FIRST = (
    *(
        "tests/e2e/test_kubeflow.py",
        "tests/e2e/test_runs.py",
        "tests/e2e/test_tuner.py",
        "tests/e2e",
        "tests/test_parity.py",
    ),
    *("tests/pnfrec_keras/training", "tests/pnfrec_keras/network", "tests/components/refit"),
    *("tests/components/pusher", "tests/components/warm", "tests/pnfrec_keras/export"),
    *("tests/studies/commands/test_experiment.py", "tests/components/tuner", "tests/pnfrec_keras/losses"),
    *("tests/test_readme.py", "tests/test_public_face.py", "tests/studies/commands", "tests/components/trainer"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pnfrec")
    group.addoption("--fast", action="store_true", help="Only tests that need neither TensorFlow nor a process.")
    group.addoption(
        "--changed",
        nargs="?",
        const="",
        metavar="REF",
        help="Only tests that can reach what has changed since a commit; by default since the branch left origin/main, "
        "and on it since HEAD~1.",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("fast") and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        config.stash[_GUARD] = Guard()
    if config.getoption("changed") is not None:
        chosen, config.stash[_SAYS] = choose(find_change(config.getoption("changed")))
        config.stash[_CHOSEN] = frozenset(chosen)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What none of the wanted tests is in, as the sources say: it need not be imported to know."""
    if not collection_path.name.startswith("test_"):
        return None
    if _CHOSEN in config.stash and collection_path not in config.stash[_CHOSEN]:
        return True
    if config.getoption("fast"):
        # The fast tests are in no file that brings TensorFlow along.
        return bool(heavy(_SOURCES.loaded(_SOURCES.module_name(collection_path)))) or None
    return None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes name no test: those of gzip hold the time, and workers that collect other tests run none."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        found = _SOURCES.needs(_units(item))
        if found & HEAVY:
            item.add_marker("tensorflow")
        if PROCESS in found:
            item.add_marker("process")
    kept = list(items)
    if config.getoption("fast"):
        kept = [
            item for item in kept if not {"tensorflow", "process", "e2e"} & {mark.name for mark in item.iter_markers()}
        ]
    if len(kept) < len(items):
        chosen = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = sorted(kept, key=_place)


def pytest_collection_finish() -> None:
    settle()
    plain_dofns.remember()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    yield
    if nextitem is not None and nextitem.path != item.path:
        let_go()
        plain_dofns.remember()  # Beam may have been imported by a test


def _units(item: pytest.Item) -> frozenset[Unit]:
    """The code of a test: its function or class, and the fixtures that it asks for."""
    module = _SOURCES.module_name(item.path)
    name = item.nodeid.partition("::")[2].partition("::")[0].partition("[")[0]
    units = [(module, ""), (module, name)]
    for fixtures in getattr(item, "_fixtureinfo").name2fixturedefs.values():  # noqa: B009
        function: Any = fixtures[-1].func
        if _SOURCES.source(function.__module__) is not None:
            units.append((function.__module__, function.__qualname__.partition(".")[0]))
    # A test of a module that it is given by name may call all that is in it.
    for value in getattr(getattr(item, "callspec", None), "params", {}).values():
        if isinstance(value, str) and (given := _SOURCES.parsed(value)) is not None:
            units += [(value, "")] + [(value, each) for each in given.bodies]
    return frozenset(units)


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(ROOT).as_posix()
    return next((place for place, begin in enumerate(_FIRST) if path.startswith(begin)), len(_FIRST))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if says := config.stash.get(_SAYS, None):
        terminalreporter.write_line(says)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not session.config.stash.get(_CHOSEN, True):
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _watching(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _watching(item):
        return (yield)


def _watching(item: pytest.Item) -> contextlib.AbstractContextManager[None]:
    guard = item.config.stash.get(_GUARD, None)
    return guard.watching() if guard is not None else contextlib.nullcontext()


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models train and validate operation by operation: sooner than tracing where only a few steps are taken.

    For tests of what stands around the steps. That traced ones do the same: `test_a_traced_fit_is_an_untraced_one`.
    """
    from pnfrec_keras.network.model import PNFRec

    monkeypatch.setattr(PNFRec, "compile", functools.partialmethod(PNFRec.compile, run_eagerly=True))


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run of the tests share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="session")
def warm_python(session_folder: Path) -> Iterator[str]:
    """What stands for `sys.executable` where a test starts a process, and makes no claim about what that imports."""
    with WarmPython(session_folder / "warm") as warm:
        yield warm.executable
