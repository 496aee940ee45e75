"""What the file of ML Metadata tells of earlier runs, also after its folder was moved."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pipeline.metadata_records import follow_move, has_files, last_blessed, recorded_elsewhere


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


def test_of_no_record_no_model_is_the_last_blessed(output: Path, tmp_path: Path) -> None:
    assert last_blessed(tmp_path / "nowhere.sqlite", "tiny") == ""
    assert last_blessed(output / "metadata.sqlite", "tiny") == ""


def test_a_model_is_there_with_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "Format-Serving"
    (folder / "variables").mkdir(parents=True)
    for file in ("saved_model.pb", "variables/variables.index"):
        assert not has_files(str(tmp_path))
        (folder / file).touch()
    assert has_files(str(tmp_path))
