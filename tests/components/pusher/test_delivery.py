"""Under which number a model comes into the serving folder, whatever lies there."""

import concurrent.futures
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.io import fileio

from components.pusher import delivery
from components.pusher.delivery import deliver, newest_version
from components.pusher.properties import VersionAhead
from pnfrec_core import events
from pnfrec_core.versions import GREATEST, NoVersionLeftError

NOW = 1_795_900_387
AHEAD = 1_795_898_744_000


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "assets.extra").mkdir()
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "variables.data").write_text("weights")
    # Only the file at the top is written last.
    (folder / "assets.extra" / "saved_model.pb").write_text("another")
    return folder


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW + 0.9)


def put(base: Path, name: str, complete: bool = True) -> None:
    (base / name).mkdir(parents=True)
    if complete:
        (base / name / "saved_model.pb").write_text("old")


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "folder" for path in folder.rglob("*")
    }


def test_a_version_is_the_model_and_the_settings_of_the_run(tmp_path: Path, model: Path) -> None:
    base = tmp_path / "new" / "serving"
    assert deliver(str(model), str(base), "name: run\n") == str(base / str(NOW))
    assert contents(base / str(NOW)) == {**contents(model), "assets.extra/run.yaml": "name: run\n"}


def test_what_lies_beside_is_there_before_a_server_takes_the_version(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "serving" / str(NOW) / "assets.extra" / "model_card.md"
    # One that the export brings gives way to that of the run.
    (model / "assets.extra" / "model_card.md").write_text("of the export")
    copied: list[str] = []
    found: list[str] = []
    copy = fileio.copy

    def note(source: str, target: str, overwrite: bool = False) -> None:
        copied.append(os.path.relpath(target, tmp_path / "serving" / str(NOW)))
        found.append(card.read_text() if card.exists() else "")
        copy(source, target, overwrite)

    monkeypatch.setattr(fileio, "copy", note)
    deliver(str(model), str(tmp_path / "serving"), "name: run\n", {"assets.extra/model_card.md": "card"})
    assert (copied[-1], found[-1]) == (".saved_model.pb.unfinished", "card")


def test_a_version_is_on_the_disk_before_it_is_one(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        told.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def name(one: str | Path, other: str | Path) -> None:
        told.append(f"is named {os.path.basename(other)}")
        replace(one, other)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", name)
    deliver(str(model), str(tmp_path / "serving"), "name: run\n")
    end = told.index("is named saved_model.pb")
    assert {"variables.data", "variables", "run.yaml", "assets.extra", ".saved_model.pb.unfinished"} <= {*told[:end]}
    assert told[end + 1 :] == [str(NOW), "serving"]


def test_a_pusher_that_is_killed_while_it_copies_the_last_file_leaves_no_version(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = fileio.copy

    class Killed(BaseException):
        """Nothing is cleared away behind it."""

    def half(source: str, target: str, overwrite: bool = False) -> None:
        if source == str(model / "saved_model.pb"):
            Path(target).write_text("gra")
            raise Killed
        copy(source, target, overwrite)

    monkeypatch.setattr(fileio, "copy", half)
    monkeypatch.setattr(fileio, "rmtree", lambda _: None)
    with pytest.raises(Killed):
        deliver(str(model), str(tmp_path / "serving"), "")
    assert newest_version(str(tmp_path / "serving")) == ""


@pytest.mark.parametrize("complete", [True, False])
def test_a_version_ahead_of_the_time_is_gone_above_and_told(
    tmp_path: Path, model: Path, complete: bool, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "serving", str(AHEAD), complete)
    before = contents(tmp_path / "serving" / str(AHEAD))
    pushed = deliver(str(model), str(tmp_path / "serving"), "")
    assert pushed == str(tmp_path / "serving" / str(AHEAD + 1)) == newest_version(str(tmp_path / "serving"))
    assert contents(tmp_path / "serving" / str(AHEAD)) == before, "of another's version nothing is changed"
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert events.of_record(record) == VersionAhead(str(tmp_path / "serving"), AHEAD, AHEAD + 1)
    assert record.getMessage() == (
        f"warning: {tmp_path}/serving holds version {AHEAD}, which is not below the present time in seconds; pushed as "
        f"version {AHEAD + 1}, since servers take the greatest"
    )


@pytest.mark.parametrize(
    ("name", "version"),
    [("5", NOW), (f"0{NOW}", NOW + 1), ("٩" * 13, NOW), ("9" * 30, NOW), (f"{AHEAD}.tmp", NOW), (f"-{AHEAD}", NOW)],
)
def test_what_is_above_is_asked_by_number(tmp_path: Path, model: Path, name: str, version: int) -> None:
    put(tmp_path / "serving", name)
    assert deliver(str(model), str(tmp_path / "serving"), "") == str(tmp_path / "serving" / str(version))


def test_a_file_takes_its_number_but_is_no_version(tmp_path: Path, model: Path) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / str(NOW)).write_text("a file")
    assert newest_version(str(tmp_path / "serving")) == ""
    assert deliver(str(model), str(tmp_path / "serving"), "") == str(tmp_path / "serving" / str(NOW + 1))
    assert (tmp_path / "serving" / str(NOW)).read_text() == "a file"


def test_without_a_number_left_nothing_is_written(tmp_path: Path, model: Path) -> None:
    put(tmp_path / "serving", str(GREATEST))
    before = contents(tmp_path / "serving")
    with pytest.raises(NoVersionLeftError, match=f"{tmp_path}/serving holds the version {GREATEST}, the greatest"):
        deliver(str(model), str(tmp_path / "serving"), "")
    assert contents(tmp_path / "serving") == before


def test_runs_of_the_same_second_each_get_a_version(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All look into the folder before any makes its own."""
    count = 4
    looked, seen, names = threading.Barrier(count), threading.local(), delivery._names

    def together(base: str) -> list[str]:
        found = names(base)
        if not hasattr(seen, "first"):
            seen.first = True
            looked.wait(timeout=60)
        return found

    monkeypatch.setattr(delivery, "_names", together)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        pushes = [pool.submit(deliver, str(model), str(tmp_path / "serving"), f"run {n}") for n in range(count)]
        folders = [Path(push.result()) for push in pushes]
    assert sorted(int(folder.name) for folder in folders) == [NOW + n for n in range(count)]
    assert [(folder / "assets.extra" / "run.yaml").read_text() for folder in folders] == [f"run {n}" for n in range(4)]


def test_a_push_that_fails_leaves_no_half_version(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "serving", "5")

    def full(*_: Any) -> None:
        msg = "No space left on device"
        raise OSError(msg)

    monkeypatch.setattr(delivery, "_fill", full)
    with pytest.raises(OSError, match="No space left"):
        deliver(str(model), str(tmp_path / "serving"), "")
    assert [path.name for path in (tmp_path / "serving").iterdir()] == ["5"]


def test_a_folder_that_cannot_be_made_is_an_error_at_once(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        msg = "Permission denied"
        raise PermissionError(msg)

    (tmp_path / "serving").mkdir()
    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(PermissionError):
        deliver(str(model), str(tmp_path / "serving"), "")


def test_the_newest_is_the_greatest_number_that_is_whole(tmp_path: Path) -> None:
    for name in ("9", "010", "new", "-11", "¹²", "٣٣"):
        put(tmp_path, name)
    put(tmp_path, "12", complete=False)
    assert newest_version(str(tmp_path)) == str(tmp_path / "010")
    assert newest_version(str(tmp_path / "none")) == ""
    (tmp_path / "empty").mkdir()
    assert newest_version(str(tmp_path / "empty")) == ""
