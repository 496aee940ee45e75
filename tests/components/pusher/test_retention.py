"""Which versions go after a push, and which never do."""

import logging
from pathlib import Path

import pytest
from tfx.dsl.io import fileio

from components.pusher.config import PushConfig
from components.pusher.retention import to_delete
from pnfrec_core import marking, model_marks
from pnfrec_core.model_marks import ConfigFile, Mark, Marks
from tests.components.pusher.test_pusher import Delivery

THERE = [1, 2, 3, 4, 5]


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    clock = [100]
    monkeypatch.setattr("tfx.components.pusher.executor.time.time", lambda: clock[0])
    return Delivery(tmp_path, clock)


@pytest.mark.parametrize(
    ("marks", "keep", "gone"),
    [
        (Marks(), 2, [1, 2, 3]),
        (Marks(), 5, []),
        (Marks(), 9, []),
        (Marks(pinned=Mark(2)), 2, [1, 3]),
        (Marks(labels={"stable": Mark(1), "canary": Mark(5)}), 2, [2, 3]),
        # What is bad counts for none, and stays while it is newer than what is kept.
        (Marks(bad={5: Mark(5)}), 2, [1, 2]),
        (Marks(bad={4: Mark(4), 2: Mark(2)}), 2, [1, 2]),
        (Marks(bad={version: Mark(version) for version in THERE}), 2, []),
    ],
)
def test_the_newest_good_ones_and_what_is_named_stay(marks: Marks, keep: int, gone: list[int]) -> None:
    assert to_delete(THERE, marks, keep) == gone
    assert to_delete([], marks, keep) == []


KEEP = {"rehearse": False, "replay_users": 0, "keep_versions": 2}


def test_after_a_push_the_oldest_go_and_the_marks_stay(delivery: Delivery) -> None:
    for name in "abc":
        delivery.push(name)
    assert delivery.versions() == ["a", "b", "c"], "by default all stay"
    marking.rollback(delivery.base, 102, "bad")
    marking.write_config(delivery.base, ConfigFile("pnfrec", "/models"))
    (delivery.base / "50").mkdir()  # not complete: perhaps somebody writes it now
    delivery.push("d", settings=KEEP)
    assert delivery.versions() == ["c", "d"]
    assert (delivery.base / "50").is_dir()
    assert list(model_marks.read(delivery.base).bad) == [102]
    assert delivery.push("b", settings=KEEP).get_string_custom_property("refused")
    marking.label(delivery.base, "stable", 103)
    for name in "ef":
        delivery.push(name, settings=KEEP)
    assert delivery.versions() == ["c", "e", "f"]


def test_what_cannot_be_deleted_stays_and_fails_no_push(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in "ab":
        delivery.push(name)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(fileio, "remove", refuse)
    with caplog.at_level(logging.WARNING):
        pushed = delivery.push("c", settings=KEEP)
    assert pushed.get_int_custom_property("pushed") == 1
    assert delivery.versions() == ["a", "b", "c"]
    assert f"{delivery.base / '101'} is beyond `push.keep_versions` and cannot be deleted" in caplog.text


@pytest.mark.parametrize("keep", [1, 0, -1])
def test_one_version_is_too_few_to_go_back(keep: int) -> None:
    with pytest.raises(ValueError, match=rf"`push\.keep_versions` must be 2 or more, .* Received: {keep}\."):
        PushConfig(keep_versions=keep)
