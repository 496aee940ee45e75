"""The process that runs the pipeline: what it makes sure of before anything runs."""

import fcntl
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import local_runner
from pipeline.local_runner import DamagedMetadataError, OutputInUseError, check_metadata, die_with_parent, exclusive
from tests.pipeline.world import write_config


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    """A database of several pages."""
    path = tmp_path / "out" / "metadata.sqlite"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE artifact (uri TEXT)")
    connection.executemany("INSERT INTO artifact VALUES (?)", [(f"/artifact/{number}" * 20,) for number in range(100)])
    connection.commit()
    connection.close()
    return path


def test_metadata_in_order_are_left_alone(metadata: Path) -> None:
    before = metadata.read_bytes()
    check_metadata(metadata)
    assert metadata.read_bytes() == before
    assert [path.name for path in metadata.parent.iterdir()] == ["metadata.sqlite"]


def test_metadata_yet_to_be_made_are_in_order(tmp_path: Path) -> None:
    check_metadata(tmp_path / "metadata.sqlite")
    assert not list(tmp_path.iterdir()), "looking makes no file"
    (tmp_path / "metadata.sqlite").touch()
    check_metadata(tmp_path / "metadata.sqlite")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda _: b"<html>not found</html>", "file is not a database"),
        (lambda data: bytes(len(data)), "file is not a database"),
        (lambda data: data[:10], "file is not a database"),
        (lambda data: data[: len(data) // 2], "database disk image is malformed"),
        (lambda data: data[:8192] + b"\xff" * 4096 + data[12288:], r".*"),
    ],
    ids=["text", "zeros", "ten bytes", "half", "overwritten page"],
)
def test_damaged_metadata_are_named_with_their_remedy(
    metadata: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    metadata.write_bytes(damage(metadata.read_bytes()))
    message = rf"^{metadata}: the record of earlier runs is damaged \({reason}\). Put a copy of it back, or delete it: "
    with pytest.raises(DamagedMetadataError, match=message):
        check_metadata(metadata)


def test_metadata_that_somebody_writes_to_are_not_called_damaged(
    metadata: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0))
    other = connect(metadata, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    check_metadata(metadata)
    other.close()


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
