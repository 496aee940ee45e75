"""What can be known to be wrong before a run begins."""

import dataclasses
import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import preflight, room
from pipeline.config import PipelineConfig, load_config
from pipeline.output_lock import exclusive
from pipeline.preflight import Preflight
from pipeline.room import Room
from tests.pipeline.world import OF_1970, write_config, write_feedback


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    write_feedback(tmp_path / "ratings.csv")
    return load_config(write_config(tmp_path, feedback=OF_1970))


def look(config: PipelineConfig, **changes: Any) -> Preflight:
    return preflight.look(dataclasses.replace(config, **changes), pytest.fail)


def unwritable(key: str, folder: Path, reason: str) -> str:
    return f"`{key}`: {folder} cannot be made or written to ({reason}). Choose another folder or its owner."


def test_nothing_is_wrong_and_nothing_is_made(config: PipelineConfig, tmp_path: Path) -> None:
    found = look(config)
    assert (found.problems, found.notes, found.baseline) == ((), (), "")
    assert len(found.feedback.rows) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ratings.csv", "tiny.yaml"]


@pytest.mark.parametrize("key", ["output", "serving"])
@pytest.mark.parametrize("name", ["file", "file/deeper", "link", "folder/file/x"])
def test_a_file_in_the_way_of_a_folder(config: PipelineConfig, tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    path = tmp_path / name
    assert look(config, **{key: str(path)}).problems == (unwritable(key, path, "Not a directory"),)


def test_a_serving_folder_below_the_output_needs_no_sentence_of_its_own(config: PipelineConfig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert look(config, output=str(tmp_path / "file")).problems == (
        unwritable("output", tmp_path / "file", "Not a directory"),
    )


def test_a_serving_folder_in_the_way_below_the_output(config: PipelineConfig) -> None:
    config.output_path.mkdir()
    config.serving_path.touch()
    assert look(config).problems == (unwritable("serving", config.serving_path, "Not a directory"),)


def test_damaged_marks_of_the_versions_stop_a_run(config: PipelineConfig) -> None:
    config.serving_path.mkdir(parents=True)
    (config.serving_path / "marks.json").write_text("{")
    (problem,) = look(config).problems
    assert problem.startswith(f"{config.serving_path}/marks.json: the marks of the versions are damaged")


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes folders refuse files; whoever runs the tests may be root, who writes everywhere."""

    def in_folders(number: int, *folders: Path) -> None:
        make = tempfile.TemporaryFile

        def made_up(*arguments: Any, **options: Any) -> Any:
            if Path(options["dir"]) in folders:
                raise OSError(number, os.strerror(number), str(options["dir"]))
            return make(*arguments, **options)

        monkeypatch.setattr(tempfile, "TemporaryFile", made_up)

    return in_folders


def test_folders_that_this_user_may_not_write_to(
    config: PipelineConfig, tmp_path: Path, refuse: Callable[..., None]
) -> None:
    refuse(errno.EACCES, tmp_path)
    assert look(config, serving=str(tmp_path / "a" / "b")).problems == (
        unwritable("output", config.output_path, "Permission denied"),
        unwritable("serving", tmp_path / "a" / "b", "Permission denied"),
    )


def test_what_an_earlier_run_left_may_be_of_another_user(config: PipelineConfig, refuse: Callable[..., None]) -> None:
    for folder in (config.artifacts_path, config.output_path / "logs"):
        folder.mkdir(parents=True)
    refuse(errno.EROFS, config.artifacts_path, config.output_path / "logs")
    assert look(config).problems == (
        unwritable("output", config.artifacts_path, "Read-only file system"),
        unwritable("output", config.output_path / "logs", "Read-only file system"),
    )


def test_the_folder_of_temporary_files(config: PipelineConfig, refuse: Callable[..., None]) -> None:
    refuse(errno.ENOSPC, Path(tempfile.gettempdir()))
    assert look(config).problems == (
        f"TMPDIR: {tempfile.gettempdir()}, the folder of temporary files, cannot be written to (No space left on "
        "device). Set TMPDIR to another folder.",
    )


def test_files_that_this_user_may_not_write(config: PipelineConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config.output_path.mkdir()
    config.metadata_path.touch()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != config.metadata_path)
    assert look(config).problems == (
        f"{config.metadata_path}: this user may not read and write the file. Change its permissions, or the user.",
    )


ROOMY = 5 << 30
WANTED = "free, and a run of this feedback needs about 64.1 MiB. Make room there, or choose another disk."


@pytest.mark.parametrize(
    ("free", "files", "expected"),
    [
        ((10 << 20, ROOMY), None, [f"`output`: {{}}/out has 10.0 MiB {WANTED}"]),
        ((ROOMY, 1 << 20), None, [f"`serving`: {{}}/s has 1.0 MiB {WANTED}"]),
        ((1 << 20, 0), None, [f"`output`: {{}}/out has 1.0 MiB {WANTED}", f"`serving`: {{}}/s has 0 bytes {WANTED}"]),
        (
            (ROOMY, ROOMY),
            12,
            [
                f"`{key}`: {{}}/{name} has room for 12 more files only, and a run makes hundreds. Delete some, or "
                "choose another disk."
                for key, name in (("output", "out"), ("serving", "s"))
            ],
        ),
        ((ROOMY, ROOMY), 100_000, []),
    ],
)
def test_room(
    config: PipelineConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free: tuple[int, int],
    files: int | None,
    expected: list[str],
) -> None:
    """The output and the serving folder lie on two disks."""

    def made_up(path: Path) -> Room:
        device = int(path == tmp_path / "s")
        return Room(path, device, free[device], files)

    monkeypatch.setattr(room, "room_of", made_up)
    problems = look(config, serving=str(tmp_path / "s")).problems
    assert problems == tuple(text.format(tmp_path) for text in expected)


def test_little_room_is_a_note(config: PipelineConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "room_of", lambda path: Room(path, 1, 1 << 30, None))
    found = look(config)
    assert found.problems == ()
    assert found.notes == (f"1.0 GiB free on the disk of {tmp_path}/out is little for runs and their artifacts.",)


def test_another_run(config: PipelineConfig) -> None:
    with exclusive(config.output_path):
        found = look(config)
    (problem,) = found.problems
    assert found.baseline is None
    assert problem.startswith(f"Another run is working in {config.output_path}. Wait for it, or choose")


def test_records_that_somebody_has_locked(config: PipelineConfig) -> None:
    config.output_path.mkdir()
    other = sqlite3.connect(config.metadata_path, isolation_level=None)
    other.execute("CREATE TABLE Artifact (uri TEXT)")
    other.execute("BEGIN EXCLUSIVE")
    (problem,) = look(config).problems
    other.close()
    assert problem == (
        f"{config.metadata_path}: another program has locked the record of earlier runs. Close what has it open, such "
        "as a browser of databases, then run again."
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda path: path.write_text("garbage"),
            "the record of earlier runs is damaged (file is not a database). Put",
        ),
        (lambda path: path.mkdir(), "the record of earlier runs is damaged (it is no file). Put"),
    ],
    ids=["garbage", "folder"],
)
def test_records_that_cannot_be_read(config: PipelineConfig, make: Callable[[Path], Any], message: str) -> None:
    config.output_path.mkdir()
    make(config.metadata_path)
    (problem,) = look(config).problems
    assert problem.startswith(f"{config.metadata_path}: {message}")


def test_packages_that_are_missing(config: PipelineConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_is_installed", lambda name: name not in ("tfx", "tensorflow-recommenders"))
    assert look(config).problems == ("Not installed: tfx. Install with make setup, or pip install '.[pipeline]'.",)
    export = dataclasses.replace(config.export, index="tfrs", rule="like_rate", gamma=0.0)
    assert look(config, export=export, gate=config.gate).problems == (
        "Not installed: tfx, tensorflow-recommenders. Install with make setup, or pip install '.[pipeline,tfrs]'.",
    )


def test_everything_that_is_wrong_is_listed_at_once(config: PipelineConfig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config.output_path.mkdir()
    config.metadata_path.write_text("garbage")
    feedback = dataclasses.replace(config.feedback, files=["none.csv", "file"])
    problems = look(config, feedback=feedback, serving=str(tmp_path / "file")).problems
    assert [problem.split(": ")[0] for problem in problems] == [
        "`feedback.files`",
        f"{tmp_path}/file",
        "`serving`",
        str(config.metadata_path),
    ]


def test_neither_tfx_nor_tensorflow_nor_beam_is_imported(tmp_path: Path) -> None:
    write_feedback(tmp_path / "ratings.csv")
    code = (
        "import sys; from pipeline.cli import main; main(['check', *sys.argv[1:]], standalone_mode=False);"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'keras', 'ml_metadata', 'grpc'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    words = [sys.executable, "-c", code, "--config", str(write_config(tmp_path))]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
