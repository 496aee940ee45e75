"""Versions that cannot be read or loaded keep no other from serving, and are tried again when that may help."""

from pathlib import Path

import pytest

from serving import folders
from serving.versions import VersionWatcher
from tests.serving.test_versions import Loader, put


def test_a_folder_that_may_not_be_read_keeps_no_older_version_from_serving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Tests may run as root, who may read everything."""
    put(tmp_path, "1")
    put(tmp_path, "2")
    usual = folders.is_complete

    def refuse(folder: Path) -> bool:
        if folder.name == "2":
            raise PermissionError(13, "Permission denied", str(folder))
        return usual(folder)

    monkeypatch.setattr(folders, "is_complete", refuse)
    watcher = VersionWatcher(tmp_path, Loader())
    watcher.poll()
    watcher.poll()
    assert watcher.version == 1
    assert [(state.version, state.state, state.error_code) for state in watcher.states()] == [
        (2, "END", "PERMISSION_DENIED"),
        (1, "AVAILABLE", "OK"),
    ]
    assert caplog.text.count("Version 2 cannot be read and is passed over") == 1
    monkeypatch.undo()
    watcher.poll()
    assert watcher.version == 2


def test_a_version_that_failed_is_tried_again_when_its_permissions_change(tmp_path: Path) -> None:
    put(tmp_path, "1", "bad")
    loader = Loader()
    watcher = VersionWatcher(tmp_path, loader)
    watcher.poll()
    watcher.poll()
    assert loader.calls == [1]
    (tmp_path / "1" / "saved_model.pb").chmod(0o600)
    watcher.poll()
    assert loader.calls == [1, 1]


def test_a_version_that_failed_is_tried_again_after_a_while(tmp_path: Path) -> None:
    """A fault of the disk passes without a change of any file."""
    put(tmp_path, "1", "bad")
    loader = Loader()
    watcher = VersionWatcher(tmp_path, loader, try_again_seconds=0.0)
    watcher.poll()
    watcher.poll()
    assert loader.calls == [1, 1]
