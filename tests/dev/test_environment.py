"""Making environments: what is done when, and that an interrupted set-up is never taken for complete."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from dev.console import SetupError
from dev.environment import Setup, Stamp, extras_of, is_current, locked, read_stamp, venv_folder, wanted_stamp
from dev.lanes import TFX116, Choice, Python
from tests.dev.fakes import write_program

CHOICE = Choice(TFX116, Python("/opt/python3.10", (3, 10, 13)), "a test")
# Stands in for uv: notes its calls, makes an environment like `uv venv`, and fails where it is told to.
UV = f"""
echo "$@" >> "$CALLS"
if [ "$1" = venv ]; then mkdir -p "$4/bin"; ln -s {sys.executable} "$4/bin/python"; fi
case "$*" in $FAIL_AT) exit 1;; esac
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with what the stamp is made from."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "tfx116.txt").write_text("numpy==1.26.4\n", encoding="utf-8")
    (tmp_path / "setup.py").write_text("setup()\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    write_program(tmp_path / "uv", UV)
    return tmp_path


def make(
    root: Path, choice: Choice = CHOICE, extras: str = "", pinned: bool = True, fail_at: str = "never"
) -> list[str]:
    """Runs the set-up and returns the calls of uv."""
    calls = root / "calls"
    calls.write_text("", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "CALLS": str(calls), "FAIL_AT": fail_at}
    with locked(root):
        Setup(root, choice, str(root / "uv"), env, pinned, extras).run()
    return calls.read_text(encoding="utf-8").splitlines()


def calls_for(root: Path) -> tuple[str, str, str]:
    """The calls that make an environment from nothing."""
    venv = root / ".venv" / "tfx116"
    return (
        f"venv --python /opt/python3.10 {venv}",
        f"pip sync --python {venv}/bin/python --compile-bytecode --require-hashes {root}/requirements/tfx116.txt",
        f"pip install --python {venv}/bin/python --no-deps --no-build-isolation -e .",
    )


@pytest.fixture
def complete(root: Path) -> Path:
    """The folder of a complete environment."""
    make(root)
    return venv_folder(root, TFX116)


def test_the_first_set_up_makes_everything_and_the_second_nothing(root: Path) -> None:
    assert not is_current(root, CHOICE, "", pinned=True)

    assert make(root) == list(calls_for(root))
    assert is_current(root, CHOICE, "", pinned=True)
    assert make(root) == []


@pytest.mark.parametrize("step", ["venv*", "pip?sync*", "pip?install*"])
def test_an_interrupted_set_up_is_redone_from_nothing(root: Path, step: str) -> None:
    with pytest.raises(SetupError):
        make(root, fail_at=step)
    left_over = venv_folder(root, TFX116) / "lib"
    left_over.touch()

    assert read_stamp(venv_folder(root, TFX116)) is None
    assert make(root) == list(calls_for(root))
    assert not left_over.exists()
    assert is_current(root, CHOICE, "", pinned=True)


def test_an_interrupted_update_is_redone_from_nothing(root: Path, complete: Path) -> None:
    (root / "requirements" / "tfx116.txt").write_text("numpy==1.26.5\n", encoding="utf-8")
    with pytest.raises(SetupError):
        make(root, fail_at="pip?sync*")

    assert read_stamp(complete) is None
    assert make(root) == list(calls_for(root))


def test_new_pins_update_the_environment_in_place(root: Path, complete: Path) -> None:
    (root / "requirements" / "tfx116.txt").write_text("numpy==1.26.5\n", encoding="utf-8")
    kept = complete / "kept"
    kept.touch()

    assert not is_current(root, CHOICE, "", pinned=True)
    assert make(root) == list(calls_for(root)[1:])
    assert kept.exists()


@pytest.mark.parametrize("name", ["setup.py", "pyproject.toml"])
def test_new_metadata_installs_only_the_project_again(root: Path, complete: Path, name: str) -> None:
    assert complete.is_dir()
    (root / name).write_text("# changed\n", encoding="utf-8")

    assert make(root) == [calls_for(root)[2]]


def test_another_python_makes_the_environment_anew(root: Path, complete: Path) -> None:
    left_over = complete / "lib"
    left_over.touch()
    other = Choice(TFX116, Python("/opt/other", (3, 10, 14)), "a test")

    calls = make(root, other)

    assert calls == [calls_for(root)[0].replace("/opt/python3.10", "/opt/other"), *calls_for(root)[1:]]
    assert not left_over.exists()


def test_an_environment_whose_python_is_gone_is_made_anew(root: Path, complete: Path) -> None:
    (complete / "bin" / "python").unlink()
    (complete / "bin" / "python").symlink_to(root / "gone")

    assert read_stamp(complete) is None
    assert make(root) == list(calls_for(root))


def test_extras_come_after_the_pins_and_are_held_by_them(root: Path) -> None:
    venv, pins = root / ".venv" / "tfx116", root / "requirements" / "tfx116.txt"

    assert make(root, extras="gpu") == [
        *calls_for(root),
        f"pip install --python {venv}/bin/python --no-build-isolation-package pnfrec --constraint {pins} "
        "-e .[pipeline,dev,gpu]",
    ]
    assert is_current(root, CHOICE, "gpu", pinned=True)
    assert not is_current(root, CHOICE, "", pinned=True)


def test_where_no_pins_fit_the_ranges_are_installed(root: Path) -> None:
    create, _, project = calls_for(root)
    python = root / ".venv" / "tfx116" / "bin" / "python"

    assert make(root, pinned=False) == [
        create,
        f"pip install --python {python} --compile-bytecode -e .[pipeline,dev]",
        project,
    ]
    assert is_current(root, CHOICE, "", pinned=False)


def test_the_stamp_names_all_that_went_in(root: Path, complete: Path) -> None:
    stamp = json.loads((complete / ".pnfrec.json").read_text(encoding="utf-8"))

    # sha256sum of the files of the fixture.
    assert stamp == {
        "format": 1,
        "python": "/opt/python3.10",
        "version": "3.10.13",
        "pins": "e77e7045d01a9431264f9262c6b199d8e7988c139276a5266a3cf689588ad66e",
        "project": "bfeeae818d01c83fd0eda3d15b097d813c1f90d726ced6d16e4dcc22a8f9c9f1",
        "extras": "",
    }
    assert wanted_stamp(root, CHOICE, "", pinned=True) == Stamp(**stamp)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "unknown": 2}'])
def test_a_stamp_that_cannot_be_read_is_none(complete: Path, text: str) -> None:
    (complete / ".pnfrec.json").write_text(text, encoding="utf-8")

    assert read_stamp(complete) is None


@pytest.mark.parametrize(
    ("value", "extras"), [("", ""), ("gpu", "gpu"), ("tfrs, gpu", "gpu,tfrs"), ("gpu gpu", "gpu"), (",", "")]
)
def test_extras_have_one_form(value: str, extras: str) -> None:
    assert extras_of({"PNFREC_EXTRAS": value}) == extras


def test_a_full_disk_is_told_before_anything_is_made(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1610612736))

    with pytest.raises(SetupError) as caught:
        make(root)

    assert str(caught.value) == f"An environment needs about 4 GB; {root} has 1.5 GB free."
    assert not venv_folder(root, TFX116).exists()


def test_a_second_make_waits_for_the_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with locked(root):
            events.append("second")

    thread = threading.Thread(target=second)
    with locked(root):
        thread.start()
        assert waiting.wait(10)
        thread.join(0.3)
        events.append("first")
    thread.join(10)

    assert events == ["first", "second"]
    assert capsys.readouterr().err == "pnfrec: another make is setting up; waiting for it\n"


def test_an_installer_whose_make_was_killed_keeps_the_lock(root: Path) -> None:
    with locked(root):
        orphan = subprocess.Popen(["sleep", "30"], close_fds=False)
    try:
        with (root / ".venv" / ".lock").open("w", encoding="ascii") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        orphan.kill()
        orphan.wait()
    with locked(root):
        pass
