"""Half versions that killed pushes leave in the serving folder, and whose they are."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tfx.dsl.io import fileio

from components.pusher.delivery import deliver
from components.pusher.retention import delete_old
from components.pusher.unfinished import clear_unfinished
from pnfrec_core import locks
from tests.components.pusher.test_pusher import Delivery

KEEP = {"rehearse": False, "replay_users": 0, "keep_versions": 2}

# Copies one file and then waits for whoever kills it.
PUSH = """
import sys, time
from tfx.dsl.io import fileio
from components.pusher.delivery import deliver
copy = fileio.copy
def slow(source, target, overwrite=False):
    copy(source, target, overwrite)
    print("copied", flush=True)
    time.sleep(600)
fileio.copy = slow
deliver(sys.argv[1], sys.argv[2], "")
"""
DELETE = """
import sys, time
from tfx.dsl.io import fileio
from components.pusher.retention import delete_old
def slow(folder):
    print("going", flush=True)
    time.sleep(600)
fileio.rmtree = slow
delete_old(sys.argv[1], 2)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "variables.data").write_text("weights")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "serving"
    folder.mkdir()
    return folder


def start(script: str, *arguments: Path) -> subprocess.Popen[str]:
    """A process that has begun, and waits."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("copied", "going")
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_a_finished_push_leaves_no_mark(base: Path, model: Path) -> None:
    pushed = Path(deliver(str(model), str(base), ""))
    assert names(base) == [pushed.name]
    assert clear_unfinished(str(base)) == []
    assert names(base) == [pushed.name]


def test_half_a_version_of_a_killed_push_goes_and_of_a_live_one_stays(base: Path, model: Path) -> None:
    process = start(PUSH, model, base)
    try:
        mark, half = names(base)
        assert mark == f".pushing-{half}"
        assert clear_unfinished(str(base)) == [], "it is being written"
        assert names(base) == [mark, half]
    finally:
        kill(process)
    (base / "7").mkdir()  # of another exporter
    (base / "8").mkdir()
    (base / "8" / "saved_model.pb").write_text("whole")
    assert clear_unfinished(str(base)) == [int(half)]
    assert names(base) == ["7", "8"]


def test_the_next_push_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfx.components.pusher.executor.time.time", lambda: 100)
    delivery = Delivery(tmp_path, [100])
    delivery.push("a")
    (model,) = (path for path in delivery.base.iterdir() if path.is_dir())
    kill(start(PUSH, model, delivery.base))
    assert len(list(delivery.base.glob(".pushing-*"))) == 1
    delivery.push("b")
    assert not list(delivery.base.glob(".pushing-*"))
    folders = [path for path in delivery.base.iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert all((folder / "saved_model.pb").is_file() for folder in folders)


def test_a_killed_deletion_is_brought_to_its_end(base: Path, model: Path) -> None:
    for version in ("0001", "2", "3"):
        shutil.copytree(model, base / version)
    kill(start(DELETE, base))
    assert ".pushing-1" in names(base)
    assert not (base / "0001" / "saved_model.pb").exists()
    assert clear_unfinished(str(base)) == [1]
    assert not (base / "0001").exists()
    assert delete_old(str(base), 2) == []


def test_what_cannot_be_cleared_away_keeps_its_mark(
    base: Path, model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mark, half = left(base, model)

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refused)
        assert clear_unfinished(str(base)) == []
        assert names(base) == [mark.name, half.name]
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage().startswith(f"{mark}, which a killed push has left, cannot be cleared away: [Errno 13]")
    assert clear_unfinished(str(base)) == [int(half.name)]
    assert names(base) == []


def left(base: Path, model: Path) -> tuple[Path, Path]:
    """What a killed push has left, as one that cannot clear away behind itself: the mark and the folder."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fileio, "copy", full)
        patch.setattr(fileio, "rmtree", lambda _: None)
        with pytest.raises(OSError, match="No space"):
            deliver(str(model), str(base), "")
    mark, half = names(base)
    return base / mark, base / half


def test_another_folder_of_that_number_stays(base: Path, model: Path) -> None:
    mark, half = left(base, model)
    half.rename(half.with_name("moved"))
    half.mkdir()
    (half / "variables").mkdir()
    assert clear_unfinished(str(base)) == []
    assert names(base) == [half.name, "moved"]
    assert (half / "variables").is_dir()
    assert not mark.exists()


def test_a_folder_that_somebody_has_completed_stays(base: Path, model: Path) -> None:
    _, half = left(base, model)
    (half / "saved_model.pb").write_text("graph")
    assert clear_unfinished(str(base)) == []
    assert names(base) == [half.name]


@pytest.mark.parametrize("hours", [1, 25])
def test_of_another_machine_it_goes_after_a_day(base: Path, model: Path, hours: int) -> None:
    """Its locks may not be seen here."""
    mark, half = left(base, model)
    mark.write_text(json.dumps({**json.loads(mark.read_text()), "host": "another"}))
    os.utime(mark, (time.time() - hours * 3600,) * 2)
    assert clear_unfinished(str(base)) == ([int(half.name)] if hours == 25 else [])
    assert half.exists() == mark.exists() == (hours == 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"folder": [1, 2]}', '{"name": "..", "folder": [1, 2]}'])
def test_a_mark_that_says_nothing_removes_nothing(base: Path, text: str) -> None:
    (base / "5").mkdir()
    (base / ".pushing-5").write_text(text)
    (base / ".pushing-x").write_text(text)
    assert clear_unfinished(str(base)) == []
    assert names(base) == [".pushing-x", "5"]


def test_without_locks_there_are_no_marks(base: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks, "take", none)
    pushed = Path(deliver(str(model), str(base), ""))
    assert names(base) == [pushed.name]
    (base / ".pushing-5").write_text("")
    assert clear_unfinished(str(base)) == []
