"""The process that runs the pipeline: what it makes sure of before anything runs."""

import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipeline import local_runner
from pipeline.local_runner import OutputInUseError, die_with_parent, exclusive
from tests.pipeline.world import write_config


def test_a_run_on_damaged_metadata_fails_before_tfx_is_imported(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metadata.sqlite").write_text("garbage")
    command = [sys.executable, "-m", "pipeline.cli", "run", "--config", str(config)]
    failed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert failed.returncode == 1
    assert f"FAILED: {tmp_path / 'out' / 'metadata.sqlite'}: the record of earlier runs is damaged" in failed.stderr
    (log,) = (tmp_path / "out" / "logs").iterdir()
    assert "tensorflow" not in log.read_text()


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_runner, "LOCK_PATIENCE_S", 0.2)
    message = rf"Another run is working in {tmp_path}. Wait for it, or choose another folder \(--set output=...\)\."
    with exclusive(tmp_path), pytest.raises(OutputInUseError, match=message), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_a_folder_is_waited_for_a_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_runner, "LOCK_PATIENCE_S", 60.0)
    # A killed run lets go of it when the system has cleared it away.
    held = (tmp_path / ".lock").open("a")
    fcntl.flock(held, fcntl.LOCK_EX)
    release = threading.Timer(0.3, held.close)
    release.start()
    with exclusive(tmp_path):
        assert held.closed
    release.join()


def test_without_the_command_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(local_runner.LIFELINE_FD, raising=False)
    before = threading.active_count()
    die_with_parent()
    assert threading.active_count() == before
