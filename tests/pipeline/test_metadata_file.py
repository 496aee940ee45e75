"""The file of ML Metadata: damaged, or locked by somebody."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import metadata_file
from pipeline.metadata_file import (
    DamagedMetadataError,
    LockedMetadataError,
    check_metadata,
    holder,
    is_locked,
    wait_until_free,
)
from tests.pipeline.locker import locked


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


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE", "BEGIN"])
def test_whoever_has_locked_the_file_is_named(metadata: Path, statement: str) -> None:
    before = metadata.read_bytes()
    assert not is_locked(metadata)
    with locked(metadata, statement) as process:
        assert is_locked(metadata)
        assert holder(metadata) == f"process {process.pid} ({Path(f'/proc/{process.pid}/comm').read_text().strip()})"
    assert not is_locked(metadata)
    assert metadata.read_bytes() == before
    assert [path.name for path in metadata.parent.iterdir()] == ["metadata.sqlite"]


def test_without_a_list_of_locks_nobody_is_named(metadata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_file, "_LOCKS", metadata.parent / "nowhere")
    with locked(metadata):
        assert holder(metadata) == "another program"


def test_a_file_that_nobody_holds_is_not_waited_for(metadata: Path) -> None:
    for path in (metadata, metadata.with_name("yet to be made")):
        wait_until_free(path, lambda text: pytest.fail(text))
    metadata.write_text("garbage")
    wait_until_free(metadata, lambda text: pytest.fail(text))
    assert not metadata.with_name("yet to be made").exists()


def test_a_lock_of_a_moment_is_waited_for_without_a_word(metadata: Path) -> None:
    with locked(metadata) as process:
        release = threading.Timer(0.3, process.kill)
        release.start()
        wait_until_free(metadata, lambda text: pytest.fail(text))
        release.join()


def test_a_longer_lock_is_told_once_and_ends_the_wait(metadata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata_file, "SILENCE_S", 0.2)
    said: list[tuple[float, str]] = []
    begin = time.monotonic()
    with locked(metadata) as process:
        who = f"process {process.pid} ({Path(f'/proc/{process.pid}/comm').read_text().strip()})"
        with pytest.raises(LockedMetadataError) as caught:
            wait_until_free(metadata, lambda text: said.append((time.monotonic() - begin, text)), patience=1.0)
    ((when, text),) = said
    assert when < 1.0
    assert text == f"waiting for {metadata}, which {who} has locked; for up to 1 s"
    assert str(caught.value) == (
        f"{metadata}: {who} has locked the record of earlier runs, for 1 s by now. Close what has it open, such as a "
        "browser of databases, then run again."
    )
