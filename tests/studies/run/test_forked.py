"""Processes forked from one that has imported what they need."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studies.run.forked import ForkServer


@pytest.fixture
def server() -> ForkServer:
    return ForkServer([], {})


def _loud(last: str) -> None:
    sys.stderr.write("x" * 500_000 + last)
    sys.stdout.write("one\ntwo\n")
    sys.exit(3)


def test_much_on_stderr_stops_nothing(server: ForkServer) -> None:
    lines: list[str] = []
    code, errors = server.heard(_loud, "last words", lines.append)
    assert code == 3
    assert lines == ["one\n", "two\n"]
    assert errors.endswith("xlast words")


def _answered(answer: str) -> None:
    # Ends only when it is answered, and for want of an answer after two minutes, with another status.
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    end = time.monotonic() + 120
    while not Path(answer).exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_lines_are_heard_as_they_come(server: ForkServer, tmp_path: Path) -> None:
    answer = tmp_path / "answer"

    def reply(line: str) -> None:
        assert line == "ready\n"
        answer.touch()

    assert server.heard(_answered, str(answer), reply) == (0, "")


def _say_where(_: None) -> None:
    sys.stdout.write(f"{os.getcwd()} {sys.modules['colorsys'].__name__}\n")


def test_modules_of_the_working_folder_are_not_imported(tmp_path: Path) -> None:
    mark = f"open({str(tmp_path / 'mark')!r}, 'w').close()"
    for name in ("colorsys", "multiprocessing", "signal", "socket", "studies"):
        (tmp_path / f"{name}.py").write_text(mark)
    code = (
        f"import sys; sys.path[0] = {str(Path(__file__).parents[3])!r}\n"
        "from studies.run.forked import ForkServer; from tests.studies.run import test_forked\n"
        "print(ForkServer(['colorsys'], {}).heard(test_forked._say_where, None, sys.stdout.write))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"{tmp_path} colorsys\n(0, '')\n", done.stderr
    assert not (tmp_path / "mark").exists()


def test_nothing_is_left_of_a_program_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from studies.run.forked import ForkServer; from tests.studies.run import test_forked\n"
        "server = ForkServer(['colorsys'], {})\n"
        "print(server.heard(test_forked._say_where, None, sys.stdout.write), flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{root} colorsys\n(0, '')\n", done.stderr
    assert not list(tmp_path.glob("pnfrec-*"))


def test_one_that_nobody_hears_any_more_is_stopped(server: ForkServer, tmp_path: Path) -> None:
    def fail(line: str) -> None:
        raise ValueError(line)

    with pytest.raises(ValueError, match="ready"):
        server.heard(_answered, str(tmp_path / "never"), fail)
    # Else the interpreter would wait for it at its end.
    for child in multiprocessing.active_children():
        child.join(120)
    assert not multiprocessing.active_children()


def _fails(kind: str) -> None:
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError(kind)


@pytest.mark.parametrize(("kind", "code", "last"), [("killed", -9, ""), ("wrong", 1, "ValueError: wrong\n")])
def test_how_it_failed_is_told(server: ForkServer, kind: str, code: int, last: str) -> None:
    found, errors = server.heard(_fails, kind, list[str]().append)
    assert found == code
    assert errors.endswith(last)
    # What it was forked from goes on.
    assert server.heard(exec, "", list[str]().append) == (0, "")


def own_program(script: str, **environment: str) -> list[str]:
    """What a program prints that has forked nothing yet, and where nothing else is on its stderr."""
    found = subprocess.run(
        [sys.executable, "-c", f"import os\nfrom studies.run.forked import *\n{script}"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


def test_it_has_the_modules_and_an_environment_of_its_own() -> None:
    inner = "import os, sys; print('colorsys' in sys.modules, os.environ['PNFREC_A'], os.environ['PNFREC_B'])"
    script = (
        "server = ForkServer(['colorsys', 'no_such_module'], {'PNFREC_A': 'own', 'PNFREC_B': 'own'})\n"
        f"print(server.heard(exec, {inner!r}, lambda line: print(line, end='')))\n"
        "print(os.environ.get('PNFREC_A'), os.environ.get('PNFREC_B'))\n"
    )
    assert own_program(script, PNFREC_A="outer") == ["True own own", "(0, '')", "outer None"]


def test_what_cannot_be_imported_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken_module.py").write_text("print('begins')\nraise TypeError('as of two versions of a package')\n")
    script = "try:\n    ForkServer(['broken_module'], {})\nexcept ForkError as error:\n    print(error)\n"
    first, *_, last = own_program(script, PYTHONPATH=f"{tmp_path}{os.pathsep}{Path.cwd()}")
    assert first == "The process that others are forked from has ended:"
    assert last == "TypeError: as of two versions of a package"


def test_what_a_fork_wrote_before_the_call_is_told_where_it_says_nothing_itself(tmp_path: Path) -> None:
    # A main program that cannot be imported again, as by an edit while it runs.
    main = tmp_path / "main.py"
    main.write_text(
        "import pathlib\nfrom studies.run.forked import ForkServer\n"
        "if __name__ == '__main__':\n"
        "    server = ForkServer([], {})\n"
        "    pathlib.Path(__file__).write_text('raise KeyError(5)')\n"
        "    print(server.heard(exec, '', print))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    found = subprocess.run([sys.executable, str(main)], capture_output=True, text=True, check=True, env=environment)
    assert found.stderr == ""
    assert found.stdout.startswith("(1, ")
    assert "KeyError: 5" in found.stdout
