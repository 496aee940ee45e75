"""When a version that went is closed, and who is told which serves."""

import contextlib
import shutil
from pathlib import Path

import pytest

from serving.versions import VersionWatcher
from tests.serving.conftest import wait_until
from tests.serving.test_versions import StandIn, put


class Closing(StandIn):
    """Notes in which order versions are closed."""

    closed: list[int]

    def close(self) -> None:
        self.closed.append(self.version)
        if self.content == "stuck":
            msg = "still in use"
            raise RuntimeError(msg)


@pytest.fixture
def loader() -> type[Closing]:
    class Fresh(Closing):
        closed: list[int] = []  # noqa: RUF012 - of this test alone

    return Fresh


def test_a_version_is_closed_after_the_last_call_on_it(tmp_path: Path, loader: type[Closing]) -> None:
    """By the thread that watches, as soon as the call ends: it does not wait for the next look at the folder."""
    put(tmp_path, "1")
    watcher = VersionWatcher(tmp_path, loader, poll_seconds=600)
    watcher.start()
    with contextlib.ExitStack() as call:
        call.enter_context(watcher.lease("m"))
        put(tmp_path, "2")
        watcher.poll()
        assert (watcher.version, loader.closed) == (2, [])
    wait_until(lambda: loader.closed == [1])
    watcher.stop()
    assert loader.closed == [1, 2]


def test_a_call_that_outlasts_the_server_closes_its_version(tmp_path: Path, loader: type[Closing]) -> None:
    put(tmp_path, "1")
    watcher = VersionWatcher(tmp_path, loader)
    watcher.start()
    with watcher.lease("m"):
        watcher.stop()
        assert loader.closed == []
    assert loader.closed == [1]


def test_a_version_that_fails_its_warm_up_is_closed(tmp_path: Path, loader: type[Closing]) -> None:
    put(tmp_path, "1", "cold")
    watcher = VersionWatcher(tmp_path, loader)
    watcher.poll()
    assert (watcher.version, loader.closed) == (None, [1])


def test_a_version_that_cannot_be_closed_ends_nothing(
    tmp_path: Path, loader: type[Closing], caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, "1", "stuck")
    watcher = VersionWatcher(tmp_path, loader)
    watcher.poll()
    put(tmp_path, "2")
    watcher.poll()
    watcher.stop()
    assert loader.closed == [1, 2]
    assert "Version 1 could not be closed" in caplog.text


def test_who_asks_is_told_which_version_serves(tmp_path: Path, loader: type[Closing]) -> None:
    told: list[tuple[int | None, int | None]] = []
    # What is told is already so for calls that come now.
    watcher = VersionWatcher(tmp_path, loader, on_change=lambda version: told.append((version, watcher.version)))
    watcher.poll()
    put(tmp_path, "1")
    watcher.poll()
    watcher.poll()
    put(tmp_path, "2", "bad")
    watcher.poll()
    put(tmp_path, "3")
    watcher.poll()
    for name in ("1", "2", "3"):
        shutil.rmtree(tmp_path / name)
    watcher.poll()
    put(tmp_path, "4")
    watcher.poll()
    watcher.stop()
    assert told == [(version, version) for version in (1, 3, None, 4, None)]
