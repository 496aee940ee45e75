"""Whether a run waits for a program that has locked the record of earlier runs, seen from outside."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.lock_watch import computed, watching
from pipeline.metadata_file import holder
from tests.pipeline.locker import locked

# A run: it says that it is there, and then waits as ML Metadata does, or computes.
WAITS = "print(flush=True); import time; time.sleep(300)"
COMPUTES = "print(flush=True)\nwhile True: pass"
STARTS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {COMPUTES!r}])"


@contextlib.contextmanager
def running(code: str) -> Iterator[int]:
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metadata.sqlite"


def wait_for(said: list[str]) -> None:
    end = time.monotonic() + 60
    while not said and time.monotonic() < end:
        time.sleep(0.05)


def test_a_run_that_waits_in_vain_is_ended(path: Path) -> None:
    said: list[str] = []
    ended: list[str] = []
    with running(WAITS) as process, locked(path) as other:
        who = holder(path)
        assert who.startswith(f"process {other.pid} (")
        with watching(path, process, said.append, ended.append, patience=0.6, every=0.1):
            wait_for(ended)
            time.sleep(0.3)
    assert said == [f"{path} is locked by {who}: the run waits where it has to write there"]
    (text,) = ended
    assert text.startswith(f"{path}: {who} has locked the record of earlier runs")
    assert text.endswith("Close what has it open, such as a browser of databases, then run again.")


@pytest.mark.parametrize("code", [COMPUTES, STARTS], ids=["itself", "in another process"])
def test_a_run_that_computes_is_let_alone(path: Path, code: str) -> None:
    said: list[str] = []
    with (
        running(code) as process,
        locked(path),
        watching(path, process, said.append, pytest.fail, patience=1, every=0.1),
    ):
        wait_for(said)
        time.sleep(3)
    assert len(said) == 1


def test_the_locks_of_the_run_itself_are_in_order(path: Path) -> None:
    with locked(path) as process, watching(path, process.pid, pytest.fail, pytest.fail, patience=0.2, every=0.05):
        time.sleep(0.6)


def test_without_locks_nothing_is_said(path: Path) -> None:
    with running(WAITS) as process, watching(path, process, pytest.fail, pytest.fail, patience=0.2, every=0.05):
        time.sleep(0.6)


def test_what_processes_compute_is_summed_down_the_tree() -> None:
    with running(STARTS) as process:
        first, begin = computed(process), time.monotonic()
        time.sleep(1)
        assert 0 < computed(process) - first < 2 * (time.monotonic() - begin)
    assert computed(process) == 0
