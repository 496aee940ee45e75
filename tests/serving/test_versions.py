"""Which version serves while the folder changes, by rules, with a stand-in for the model."""

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from serving import errors, wire
from serving.policy import Policy
from serving.versions import VersionState, VersionWatcher
from tests.serving.conftest import wait_until


class StandIn:
    """A servable whose `saved_model.pb` says what happens: "bad" fails to load, "cold" fails to warm up."""

    signatures: Any = None

    def __init__(self, path: Path, version: int) -> None:
        self.version = version
        self.content = (path / "saved_model.pb").read_text()
        if self.content == "bad":
            msg = "checksum does not match"
            raise ValueError(msg)

    def warm_up(self) -> None:
        if self.content == "cold":
            msg = "no answer"
            raise RuntimeError(msg)

    def predict(self, signature_name: str, inputs: Any, output_filter: Any = (), call: Any = None) -> dict[str, Any]:
        raise NotImplementedError

    def close(self) -> None: ...


class Loader:
    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, path: Path, version: int) -> StandIn:
        self.calls.append(version)
        return StandIn(path, version)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def watcher(tmp_path: Path, loader: Loader) -> VersionWatcher:
    return VersionWatcher(tmp_path, loader)


def put(base: Path, name: str, content: str = "good") -> None:
    (base / name).mkdir(exist_ok=True)
    (base / name / "saved_model.pb").write_text(content)


def states(watcher: VersionWatcher) -> list[tuple[int, str]]:
    return [(state.version, state.state) for state in watcher.states()]


def test_the_newest_by_number_serves_and_other_names_do_not_count(
    tmp_path: Path, watcher: VersionWatcher, loader: Loader
) -> None:
    for name in ("9", "10", "latest", "11.tmp", "-12", "٣"):
        put(tmp_path, name)
    (tmp_path / "99").write_text("a file")
    watcher.poll()
    assert (watcher.version, loader.calls, states(watcher)) == (10, [10], [(10, "AVAILABLE")])
    watcher.poll()
    assert loader.calls == [10]


def test_a_new_version_takes_over_and_the_old_ends(tmp_path: Path, watcher: VersionWatcher) -> None:
    put(tmp_path, "1")
    watcher.poll()
    put(tmp_path, "2")
    watcher.poll()
    assert (watcher.version, states(watcher)) == (2, [(2, "AVAILABLE"), (1, "END")])


def test_an_older_version_that_arrives_late_is_not_loaded(
    tmp_path: Path, watcher: VersionWatcher, loader: Loader
) -> None:
    put(tmp_path, "5")
    watcher.poll()
    put(tmp_path, "4")
    watcher.poll()
    assert (watcher.version, loader.calls) == (5, [5])


def test_a_half_written_version_waits(tmp_path: Path, watcher: VersionWatcher, loader: Loader) -> None:
    put(tmp_path, "1")
    watcher.poll()
    (tmp_path / "2" / "variables").mkdir(parents=True)
    watcher.poll()
    assert (watcher.version, loader.calls) == (1, [1])
    assert watcher.states() == [VersionState(2, "START"), VersionState(1, "AVAILABLE")]
    put(tmp_path, "2")
    watcher.poll()
    assert (watcher.version, states(watcher)) == (2, [(2, "AVAILABLE"), (1, "END")])


def test_a_half_written_version_that_goes_leaves_no_trace(tmp_path: Path, watcher: VersionWatcher) -> None:
    (tmp_path / "2").mkdir()
    watcher.poll()
    assert states(watcher) == [(2, "START")]
    (tmp_path / "2").rmdir()
    watcher.poll()
    assert states(watcher) == []


@pytest.mark.parametrize(
    ("content", "error"), [("bad", "ValueError: checksum does not match"), ("cold", "RuntimeError: no answer")]
)
def test_a_broken_version_keeps_the_old_is_logged_once_and_tried_again_when_it_changes(
    tmp_path: Path,
    watcher: VersionWatcher,
    loader: Loader,
    caplog: pytest.LogCaptureFixture,
    content: str,
    error: str,
) -> None:
    put(tmp_path, "1")
    watcher.poll()
    put(tmp_path, "2", content)
    for _ in range(3):
        watcher.poll()
    assert (watcher.version, loader.calls) == (1, [1, 2])
    assert watcher.states() == [VersionState(2, "END", "INTERNAL", error), VersionState(1, "AVAILABLE")]
    logged = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert logged == [f"Version 2 in {tmp_path / '2'} cannot be loaded; version 1 keeps serving."]
    # Another file of the version counts too: variables may arrive after saved_model.pb.
    (tmp_path / "2" / "late").write_text("x")
    watcher.poll()
    assert loader.calls == [1, 2, 2]
    put(tmp_path, "2", "repaired")
    watcher.poll()
    assert (watcher.version, loader.calls) == (2, [1, 2, 2, 2])
    assert watcher.states() == [VersionState(2, "AVAILABLE"), VersionState(1, "END")]


def test_a_broken_newest_at_the_start_leaves_the_next_to_serve(tmp_path: Path, watcher: VersionWatcher) -> None:
    put(tmp_path, "1")
    put(tmp_path, "2", "bad")
    watcher.poll()
    assert (watcher.version, states(watcher)) == (1, [(2, "END"), (1, "AVAILABLE")])
    shutil.rmtree(tmp_path / "2")
    watcher.poll()
    assert states(watcher) == [(1, "AVAILABLE")]


def test_a_deleted_version_falls_back_to_the_newest_that_remains(
    tmp_path: Path, watcher: VersionWatcher, loader: Loader
) -> None:
    for name in ("1", "2", "3"):
        put(tmp_path, name)
        watcher.poll()
    shutil.rmtree(tmp_path / "3")
    watcher.poll()
    assert (watcher.version, loader.calls) == (2, [1, 2, 3, 2])
    assert states(watcher) == [(3, "END"), (2, "AVAILABLE"), (1, "END")]


def test_a_deleted_version_stays_while_what_remains_is_broken(tmp_path: Path, watcher: VersionWatcher) -> None:
    put(tmp_path, "1", "bad")
    put(tmp_path, "2")
    watcher.poll()
    shutil.rmtree(tmp_path / "2")
    watcher.poll()
    assert (watcher.version, states(watcher)) == (2, [(2, "AVAILABLE"), (1, "END")])


def test_without_any_version_nothing_serves_but_a_missing_base_changes_nothing(
    tmp_path: Path, loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    base = tmp_path / "base"
    watcher = VersionWatcher(base, loader)
    for _ in range(2):
        watcher.poll()
    assert (states(watcher), len(caplog.records)) == ([], 1)
    base.mkdir()
    put(base, "1")
    watcher.poll()
    base.rename(tmp_path / "away")
    watcher.poll()
    assert watcher.version == 1
    base.mkdir()
    watcher.poll()
    assert states(watcher) == [(1, "END")]
    with pytest.raises(errors.RequestFault, match="No version of model m is loaded yet") as caught, watcher.lease("m"):
        pass
    assert (caught.value.code, caught.value.reason) == ("UNAVAILABLE", wire.REASON_NO_VERSION)


def test_requests_finish_on_the_version_that_they_began_with(tmp_path: Path, watcher: VersionWatcher) -> None:
    put(tmp_path, "1")
    watcher.poll()
    with contextlib.ExitStack() as second, contextlib.ExitStack() as first:
        version, servable = first.enter_context(watcher.lease("m"))
        second.enter_context(watcher.lease("m", 1))
        put(tmp_path, "2")
        watcher.poll()
        assert (version, servable.version) == (1, 1)  # type: ignore[attr-defined]
        assert states(watcher) == [(2, "AVAILABLE"), (1, "UNLOADING")]
        with watcher.lease("m") as (now, _):
            assert now == 2
        with pytest.raises(errors.RequestFault, match=r"Specific\(m, 1\)"), watcher.lease("m", 1):
            pass
        first.close()
        assert states(watcher) == [(2, "AVAILABLE"), (1, "UNLOADING")]
    assert states(watcher) == [(2, "AVAILABLE"), (1, "END")]


def test_only_the_last_ten_ended_versions_are_remembered(tmp_path: Path, watcher: VersionWatcher) -> None:
    for version in range(1, 14):
        put(tmp_path, str(version))
        watcher.poll()
    assert states(watcher) == [(13, "AVAILABLE"), *((version, "END") for version in range(12, 2, -1))]


def test_an_error_while_looking_does_not_end_the_watch(
    tmp_path: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = VersionWatcher(tmp_path, loader, poll_seconds=0.01)
    original, calls = watcher.poll, []

    def fails_at_first() -> None:
        calls.append(1)
        if len(calls) < 3:
            msg = "out of luck"
            raise RuntimeError(msg)
        original()

    monkeypatch.setattr(watcher, "poll", fails_at_first)
    put(tmp_path, "1")
    watcher.start()
    try:
        wait_until(lambda: watcher.version == 1)
    finally:
        watcher.stop()
    assert sum("Looking at" in record.getMessage() for record in caplog.records) == 2
    assert states(watcher) == [(1, "END")]


def test_the_time_between_two_looks_must_be_positive(tmp_path: Path, loader: Loader) -> None:
    with pytest.raises(ValueError, match=r"`poll_seconds` must be above 0\. Received: 0"):
        VersionWatcher(tmp_path, loader, poll_seconds=0)


def test_who_is_stopped_while_it_loads_begins_no_further_load(tmp_path: Path) -> None:
    class Stops(Loader):
        def __call__(self, path: Path, version: int) -> StandIn:
            stopped.load_no_more()
            return super().__call__(path, version)

    for name in ("1", "2", "3"):
        put(tmp_path, name)
    loader = Stops()
    stopped = VersionWatcher(tmp_path, loader, policy=lambda: Policy(latest=0))
    stopped.start()
    stopped.stop()
    assert (loader.calls, states(stopped)) == ([3], [(3, "END")])
