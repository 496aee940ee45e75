"""The server obeys the marks beside the versions, and keeps several versions loaded where it is asked to."""

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from pnfrec_core import marking
from pnfrec_core.model_marks import marks_file
from serving import errors
from serving.policy import Policy
from serving.versions import VersionWatcher
from tests.serving.test_versions import Loader, put, states


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Versions 1, 2 and 3, each a model of its own."""
    for name in ("1", "2", "3"):
        put(tmp_path, name, f"model {name}")
    return tmp_path


def answer(watcher: VersionWatcher, *wanted: Any) -> int:
    with watcher.lease("m", *wanted) as (version, servable):
        assert servable.version == version  # type: ignore[attr-defined]
        return version


def refusal(watcher: VersionWatcher, *wanted: Any) -> tuple[str, str]:
    with pytest.raises(errors.RequestFault) as caught, watcher.lease("m", *wanted):
        pass
    return caught.value.code, caught.value.details


def test_a_version_that_is_rolled_back_is_left_at_the_next_look(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    with watcher.lease("m") as (begun, _):
        marking.rollback(base, None, "bad")
        watcher.poll()
        assert (begun, watcher.version) == (3, 2)
        assert states(watcher) == [(3, "UNLOADING"), (2, "AVAILABLE")]
    assert states(watcher) == [(3, "END"), (2, "AVAILABLE")]
    assert refusal(watcher, 3)[0] == "NOT_FOUND"
    put(base, "4", "model 4")
    watcher.poll()
    assert watcher.version == 4
    marking.rollback(base, None, "bad")
    watcher.poll()
    assert watcher.version == 2, "the newest that is not bad, though 3 is newer"
    marking.unmark(base, 3)
    watcher.poll()
    assert (watcher.version, loader.calls) == (3, [3, 2, 4, 2, 3])


def test_a_bad_version_is_not_loaded_at_the_start(base: Path, loader: Loader) -> None:
    marking.rollback(base, None, "bad")
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    assert (watcher.version, loader.calls) == (2, [2])


def test_a_bad_version_serves_on_while_no_good_one_can_be_loaded(
    base: Path, loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    marking.rollback(base, None, "bad")
    for name in ("1", "2"):
        put(base, name, "bad")
    watcher.poll()
    watcher.poll()
    assert watcher.version == 3
    assert caplog.text.count("Version 3 is bad and goes on serving, since no other can be loaded.") == 1
    put(base, "1", "mended")
    watcher.poll()
    assert (watcher.version, answer(watcher)) == (1, 1)


def test_a_pinned_version_serves_whatever_is_pushed(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    marking.pin(base, 2)
    watcher.poll()
    put(base, "4")
    watcher.poll()
    assert (watcher.version, answer(watcher), loader.calls) == (2, 2, [3, 2])
    marking.unpin(base)
    watcher.poll()
    assert watcher.version == 4


@pytest.mark.parametrize("how", ["gone", "bad"])
def test_where_the_pinned_version_cannot_serve_the_newest_does(base: Path, loader: Loader, how: str) -> None:
    marking.pin(base, 2)
    if how == "gone":
        shutil.rmtree(base / "2")
    else:
        put(base, "2", "bad")
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    assert watcher.version == 3


def test_labelled_versions_are_loaded_for_who_asks_for_them(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader)
    marking.label(base, "stable", 1)
    watcher.poll()
    assert (answer(watcher), answer(watcher, 1), answer(watcher, None, "stable")) == (3, 1, 1)
    assert watcher.version_of("stable") == 1
    assert states(watcher) == [(3, "AVAILABLE"), (1, "AVAILABLE")]
    assert refusal(watcher, None, "canary") == ("INVALID_ARGUMENT", "Unrecognized servable version label: canary")
    assert refusal(watcher, 2) == ("NOT_FOUND", "Servable not found for request: Specific(m, 2)")
    marking.label(base, "stable", 2)
    watcher.poll()
    assert (answer(watcher, None, "stable"), states(watcher)) == (
        2,
        [(3, "AVAILABLE"), (2, "AVAILABLE"), (1, "END")],
    )
    shutil.rmtree(base / "2")
    watcher.poll()
    assert refusal(watcher, None, "stable") == ("NOT_FOUND", "Servable not found for request: Specific(m, 2)")
    marking.unlabel(base, "stable")
    watcher.poll()
    assert refusal(watcher, None, "stable")[0] == "INVALID_ARGUMENT"


def test_the_latest_versions_are_kept_loaded(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader, policy=lambda: Policy(latest=2))
    watcher.poll()
    assert (loader.calls, answer(watcher), answer(watcher, 2)) == ([3, 2], 3, 2)
    put(base, "4", "bad")
    put(base, "5")
    watcher.poll()
    assert states(watcher) == [(5, "AVAILABLE"), (4, "END"), (3, "AVAILABLE"), (2, "END")]
    marking.pin(base, 2)
    watcher.poll()
    assert (watcher.version, answer(watcher, 5), refusal(watcher, 3)[0]) == (2, 5, "NOT_FOUND")


def test_all_versions_may_be_kept_loaded(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader, policy=lambda: Policy(latest=0))
    watcher.poll()
    assert [version for version, _ in states(watcher)] == [3, 2, 1]


def test_specific_versions(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader, policy=lambda: Policy(specific=(1, 2, 9)))
    watcher.poll()
    assert (watcher.version, sorted(loader.calls)) == (2, [1, 2])
    put(base, "9")
    watcher.poll()
    assert watcher.version == 9


def test_users_are_split_between_canary_and_stable(base: Path, loader: Loader) -> None:
    watcher = VersionWatcher(base, loader, policy=lambda: Policy(canary_share=0.25))
    marking.label(base, "stable", 1)
    marking.label(base, "canary", 2)
    watcher.poll()
    users = [f"u{number}" for number in range(2000)]
    got = [answer(watcher, None, "", user) for user in users]
    assert set(got) == {1, 2}
    assert 0.2 < got.count(2) / len(got) < 0.3
    assert got == [answer(watcher, None, "", user) for user in users], "always the same"
    assert (answer(watcher), answer(watcher, None, "stable", users[got.index(2)])) == (1, 1)
    # A pinned version is what the others get; without the canary everybody does.
    marking.pin(base, 3)
    watcher.poll()
    assert [3 if version == 1 else version for version in got] == [answer(watcher, None, "", user) for user in users]
    marking.rollback(base, 2, "bad")
    watcher.poll()
    assert {answer(watcher, None, "", user) for user in users} == {3}


def test_damaged_marks_leave_everything_as_it_is(base: Path, loader: Loader, caplog: pytest.LogCaptureFixture) -> None:
    marking.label(base, "stable", 1)
    marking.rollback(base, None, "bad")
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    whole = marks_file(base).read_text()
    marks_file(base).write_text(whole[:40])
    put(base, "4")
    with caplog.at_level(logging.INFO):
        watcher.poll()
        watcher.poll()
    assert (watcher.version, answer(watcher, None, "stable")) == (4, 1)
    shutil.rmtree(base / "4")
    watcher.poll()
    assert watcher.version == 2, "3 is bad by what was read last"
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert told[0].startswith(f"{marks_file(base)}: the marks of the versions are damaged")
    marks_file(base).unlink()
    watcher.poll()
    assert watcher.version == 3, "without a file nothing is marked"


def test_a_server_that_starts_waits_for_marks_that_can_be_read(base: Path, loader: Loader) -> None:
    """It cannot know which version is bad."""
    marks_file(base).write_text("{")
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    code, details = refusal(watcher)
    assert (code, loader.calls) == ("UNAVAILABLE", [])
    assert f"{marks_file(base)}: the marks of the versions are damaged" in details
    marks_file(base).unlink()
    watcher.poll()
    assert answer(watcher) == 3


def test_requests_on_a_version_that_lost_its_label_finish(base: Path, loader: Loader) -> None:
    marking.label(base, "stable", 1)
    watcher = VersionWatcher(base, loader)
    watcher.poll()
    with contextlib.ExitStack() as call:
        call.enter_context(watcher.lease("m", None, "stable"))
        marking.unlabel(base, "stable")
        watcher.poll()
        assert states(watcher) == [(3, "AVAILABLE"), (1, "UNLOADING")]
    assert states(watcher) == [(3, "AVAILABLE"), (1, "END")]


def test_what_is_asked_for_and_not_there_is_told_once_until_it_changes(
    base: Path, loader: Loader, caplog: pytest.LogCaptureFixture
) -> None:
    policies = [Policy(labels={"stable": 99}), Policy(specific=(7, 8)), Policy()]
    watcher = VersionWatcher(base, loader, policy=lambda: policies[0])
    marking.pin(base, 3)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            watcher.poll()
        of_label = f"The label `stable` names version 99, not in {base}: whoever asks for it gets NOT_FOUND."
        assert caplog.messages == [of_label]
        shutil.rmtree(base / "3")
        del policies[0]
        for _ in range(2):
            watcher.poll()
        of_pin = f"Version 3 is pinned and not in {base}: another answers whoever asks for none."
        of_settings = f"None of the versions that are to be loaded (7, 8) can be: they are not in {base}, or bad."
        assert caplog.messages[1:] == [of_settings, of_pin]
        del policies[0]
        watcher.poll()
        policies[0] = Policy(labels={"stable": 99}, canary_share=0.1)
        watcher.poll()
        assert caplog.messages[3:] == [of_label]
        marking.unpin(base)
        watcher.poll()
        assert caplog.messages[4:] == [f"{of_label[:-1]}, and whoever asks for none the newest."]
