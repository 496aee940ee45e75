"""The file of ML Metadata: damaged, locked by somebody, or of a folder that was moved."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import metadata_file
from pipeline.metadata_file import (
    DamagedMetadataError,
    LockedMetadataError,
    check_metadata,
    follow_move,
    holder,
    is_locked,
    recorded_elsewhere,
    wait_until_free,
    watch_locks,
)

# Locks a database in one of SQLite's ways, says so, and waits for its standard input to end.
LOCKER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(sys.argv[2])
if sys.argv[2] == "BEGIN":
    database.execute("SELECT * FROM artifact").fetchone()
print("locked", flush=True)
sys.stdin.read()
"""


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


@contextlib.contextmanager
def locked(path: Path, statement: str = "BEGIN EXCLUSIVE") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", LOCKER, str(path), statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


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


def test_a_program_that_keeps_the_file_locked_is_told_once(metadata: Path) -> None:
    said: list[str] = []
    watch_locks(metadata, said.append, every=0.05)
    with locked(metadata) as process:
        expected = f"{metadata} is locked by {holder(metadata)}: the run waits where it has to write there"
        assert f"process {process.pid} " in expected
        end = time.monotonic() + 60
        while not said and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.3)
    assert said == [expected]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with two artifacts, and two records of others: of a folder elsewhere, and without a place."""
    folder = tmp_path / "out"
    artifacts = folder / "artifacts"
    uris = [str(artifacts / name) for name in ("Trainer/model/1", "Evaluator/blessing/2")]
    for uri in uris:
        Path(uri).mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(folder / "metadata.sqlite")) as database, database:
        database.execute("CREATE TABLE Artifact (id INTEGER PRIMARY KEY, uri TEXT)")
        rows = [(uri,) for uri in (*uris, "/schemas/here", None)]
        database.executemany("INSERT INTO Artifact (uri) VALUES (?)", rows)
    return folder


def uris_of(output: Path) -> list[str | None]:
    with contextlib.closing(sqlite3.connect(output / "metadata.sqlite")) as database:
        return [uri for (uri,) in database.execute("SELECT uri FROM Artifact ORDER BY id")]


def test_a_folder_in_its_place_is_left_alone(output: Path) -> None:
    before = (output / "metadata.sqlite").read_bytes()
    assert follow_move(output / "metadata.sqlite", output / "artifacts") == {}
    assert (output / "metadata.sqlite").read_bytes() == before


@pytest.mark.parametrize("name", ["new", "artifacts", "a 'b' %41?#", "out/deeper"])
def test_a_moved_folder_is_recognised_and_recorded(output: Path, tmp_path: Path, name: str) -> None:
    os.rename(output, tmp_path / "between")
    new = tmp_path / name
    new.parent.mkdir(exist_ok=True)
    os.rename(tmp_path / "between", new)
    metadata, artifacts = new / "metadata.sqlite", new / "artifacts"
    old = str(output / "artifacts")
    before = metadata.read_bytes()
    assert recorded_elsewhere(metadata, artifacts) == {old: 2}
    assert metadata.read_bytes() == before, "looking changes nothing"
    # What was deleted on the way is missed in the new place.
    shutil.rmtree(artifacts / "Trainer" / "model" / "1")
    assert follow_move(metadata, artifacts) == {old: 1}
    expected = [str(artifacts / "Trainer/model/1"), str(artifacts / "Evaluator/blessing/2"), "/schemas/here", None]
    assert uris_of(new) == expected
    assert recorded_elsewhere(metadata, artifacts) == {}


def test_a_copied_folder_has_artifacts_of_its_own(output: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(output, copy)
    assert follow_move(copy / "metadata.sqlite", copy / "artifacts") == {str(output / "artifacts"): 2}
    assert uris_of(copy)[0] == str(copy / "artifacts" / "Trainer/model/1")
    assert uris_of(output)[0] == str(output / "artifacts" / "Trainer/model/1")


def test_a_folder_whose_name_begins_like_the_old_one_is_another(output: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(output / "metadata.sqlite")) as database, database:
        database.execute("UPDATE Artifact SET uri = ? WHERE id = 3", (f"{output}/artifacts_of_others/x",))
    new = tmp_path / "new"
    os.rename(output, new)
    follow_move(new / "metadata.sqlite", new / "artifacts")
    assert uris_of(new)[2] == f"{output}/artifacts_of_others/x"


def test_records_alone_that_were_copied_name_nothing_here(output: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / "artifacts").mkdir(parents=True)
    shutil.copy(output / "metadata.sqlite", tmp_path / "new")
    assert recorded_elsewhere(tmp_path / "new" / "metadata.sqlite", tmp_path / "new" / "artifacts") == {}


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_records_that_cannot_be_read_tell_of_no_move(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "metadata.sqlite"
    if content is not None:
        path.write_bytes(content)
    assert follow_move(path, tmp_path / "artifacts") == {}
    assert path.exists() == (content is not None)
