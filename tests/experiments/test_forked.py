"""Processes forked from one that has imported what they need."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.forked import heard


def _loud(last: str) -> None:
    sys.stderr.write("x" * 500_000 + last)
    sys.stdout.write("one\ntwo\n")
    sys.exit(3)


def test_much_on_stderr_stops_nothing() -> None:
    lines: list[str] = []
    code, errors = heard(_loud, "last words", {}, lines.append)
    assert code == 3
    assert lines == ["one\n", "two\n"]
    assert errors.endswith("xlast words")


def _answered(answer: str) -> None:
    # Ends only when it is answered, and for want of an answer after half a minute, with another status.
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    end = time.monotonic() + 30
    while not Path(answer).exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_lines_are_heard_as_they_come(tmp_path: Path) -> None:
    answer = tmp_path / "answer"

    def reply(line: str) -> None:
        assert line == "ready\n"
        answer.touch()

    assert heard(_answered, str(answer), {}, reply) == (0, "")


def test_it_has_the_modules_and_an_environment_of_its_own() -> None:
    # In a process of its own, which has forked nothing yet.
    inner = "import os, sys; print('colorsys' in sys.modules, os.environ['A'], os.environ['B'], os.environ.get('C'))"
    script = (
        "import os\nfrom experiments.forked import heard, preload\n"
        "preload(['colorsys'], {'A': 'first', 'C': 'first'})\n"
        f"print(heard(exec, {inner!r}, {{'B': 'own', 'C': 'own'}}, lambda line: print(line, end='')))\n"
        "print([name for name in 'ABC' if name in os.environ])\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["True first own own", "(0, '')", "[]"]


def _fails(kind: str) -> None:
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError(kind)


@pytest.mark.parametrize(("kind", "code", "last"), [("killed", -9, ""), ("wrong", 1, "ValueError: wrong\n")])
def test_how_it_failed_is_told(kind: str, code: int, last: str) -> None:
    found, errors = heard(_fails, kind, {}, list[str]().append)
    assert found == code
    assert errors.endswith(last)
    # What it was forked from goes on.
    assert heard(exec, "", {}, list[str]().append) == (0, "")
