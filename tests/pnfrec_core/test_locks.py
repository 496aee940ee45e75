"""Locks among processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnfrec_core import locks

_HOLD = """
import sys
from pathlib import Path
from pnfrec_core import locks
with getattr(locks, sys.argv[1])(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(kind: str, path: Path) -> "subprocess.Popen[str]":
    """A process that holds a lock until its input ends, or it is killed."""
    command = [sys.executable, "-c", _HOLD, kind, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "folder").mkdir()
    yield tmp_path / "folder"
    assert not os.listdir(tmp_path / "folder"), "no file is made in the folder"


def test_a_killed_process_leaves_no_lock(folder: Path) -> None:
    process = holder("alone", folder)
    with pytest.raises(locks.HeldError), locks.alone(folder):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with locks.alone(folder):
        pass


def test_who_makes_the_same_folder_is_waited_for(folder: Path) -> None:
    process = holder("making", folder)
    lock = folder.with_name(".folder.lock")
    with pytest.raises(locks.HeldError), locks.holding(lock, patience=0.2):
        pass
    process.communicate("")
    with locks.making(folder), pytest.raises(locks.HeldError), locks.holding(lock, patience=0):
        pass
