"""What a study is told that cannot be run now: another call works on it, or its disk is full."""

import errno
from pathlib import Path

import pytest

from pipeline import output_lock
from tests.studies.commands.world import folder_of, run, write_world


def test_a_second_call_on_the_same_study_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_lock, "PATIENCE_S", 0.0)
    world = write_world(tmp_path)
    with output_lock.exclusive(folder_of(world)):
        result = run(world)
    assert result.exit_code == 1
    told = f"FAILED: Another run is working in {folder_of(world)}. Wait for it, or choose another folder (--output)."
    assert told in result.output
    assert [path.name for path in folder_of(world).iterdir()] == [".lock"]


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = write_world(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder_of(world) / "ranks.npz"))

    monkeypatch.setattr("studies.run.runner.run_trials", full)
    result = run(world)
    assert result.exit_code == 1
    assert f"FAILED: {folder_of(world) / 'ranks.npz'}: the disk is full, or this user's share of it (" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), "no traceback"
