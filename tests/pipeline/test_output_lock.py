"""One run at a time in an output folder."""

import fcntl
import threading
from pathlib import Path

import pytest

from pipeline import output_lock
from pipeline.output_lock import OutputInUseError, check_free, exclusive
from pnfrec_core.settings.errors import ConfigError


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_lock, "PATIENCE_S", 0.2)
    message = rf"Another run is working in {tmp_path}. Wait for it, or choose another folder \(--set output=...\)\."
    with exclusive(tmp_path), pytest.raises(OutputInUseError, match=message), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_a_folder_is_waited_for_a_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_lock, "PATIENCE_S", 60.0)
    # A killed run lets go of it when the system has cleared it away.
    held = (tmp_path / ".lock").open("a")
    fcntl.flock(held, fcntl.LOCK_EX)
    release = threading.Timer(0.3, held.close)
    release.start()
    with exclusive(tmp_path):
        assert held.closed
    release.join()


def test_whether_a_folder_is_held_can_be_asked_without_making_anything(tmp_path: Path) -> None:
    check_free(tmp_path / "yet" / "to be made")
    check_free(tmp_path)
    assert not list(tmp_path.iterdir())
    with exclusive(tmp_path), pytest.raises(OutputInUseError, match=f"Another run is working in {tmp_path}"):
        check_free(tmp_path, patience=0)
    check_free(tmp_path, patience=0)
    check_free(tmp_path, patience=0)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "out"
    with pytest.raises(ConfigError) as caught, exclusive(output):
        pass
    assert str(caught.value) == (
        f"`output`: {output} cannot be made or written to (Not a directory). Choose another folder or its owner."
    )
