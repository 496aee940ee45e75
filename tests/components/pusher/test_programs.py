"""The process in which models are asked before a push."""

import os
import signal
import textwrap
from pathlib import Path

import pytest

from components.pusher.programs import NotServableError, Programs

# What a program of the tests is: a module that the process finds, and that does as its first argument says.
_PROGRAM = """
    import json, os, signal, sys, time

    def main(arguments):
        does, *more = arguments
        if does == "tell":
            os.write(1, b"noise of a library\\n")
            print("noise of ours")
            print(json.dumps({"process": os.getpid(), "told": more}))
        elif does == "fail":
            print(json.dumps({"error": "no such signature"}))
            sys.exit(1)
        elif does == "die":
            sys.stderr.write(" ".join(more))
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        elif does == "break off":
            raise RuntimeError("something unforeseen")
        else:
            time.sleep(60)
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "asks.py").write_text(textwrap.dedent(_PROGRAM))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_one_process_answers_all(programs: Programs) -> None:
    first = programs.run("asks", "model", "tell", "über ", "a\nb")
    with pytest.raises(NotServableError, match=r"The model in model cannot be served: no such signature\nNothing was"):
        programs.run("asks", "model", "fail")
    assert first["told"] == ["über ", "a\nb"]
    assert programs.run("asks", "model", "tell") == {"process": first["process"], "told": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["die", "out of memory"], "out of memory\n"),
        (["die"], "the process ended with status -9 and said nothing\n"),
        (["break off"], r"(.|\n)*RuntimeError: something unforeseen\n"),
    ],
)
def test_one_that_breaks_off_is_told_by_what_was_logged_last(programs: Programs, words: list[str], said: str) -> None:
    first = programs.run("asks", "model", "tell")
    with pytest.raises(NotServableError, match=f"The model in model cannot be served: {said}Nothing was pushed"):
        programs.run("asks", "model", *words)
    again = programs.run("asks", "model", "tell")
    assert again["process"] != first["process"], "the next program has a new process"


def test_a_process_that_died_meanwhile_is_told(programs: Programs) -> None:
    found = programs.run("asks", "model", "tell")
    os.kill(found["process"], signal.SIGKILL)
    with pytest.raises(NotServableError, match="the process ended with status -9 and said nothing"):
        programs.run("asks", "model", "tell", "x" * 100_000)


def test_one_that_takes_too_long_is_ended() -> None:
    with Programs(timeout=0.5) as programs, pytest.raises(NotServableError, match=r"did not answer within 0\.5 s"):
        programs.run("asks", "model", "sleep")


def test_nobody_waits_for_a_program_that_is_not_wanted_any_more() -> None:
    with Programs() as programs:
        found = programs.run("asks", "model", "tell")
    with pytest.raises(ProcessLookupError):
        os.kill(found["process"], 0)
