"""What a failed installer is turned into."""

import os
from pathlib import Path

import pytest

from dev.console import SetupError, explain, run_logged

HEADERS = "The C headers of this Python are missing: apt install python3.13-dev"
COMPILER = "A C++ compiler is missing, and some packages have no wheel: apt install g++ python3.13-dev"
DISK = "The disk is full; an environment needs about 3 GB."
HASH = "A package is not the file that was pinned: see CONTRIBUTING.md, Pin files."
NETWORK = (
    "The package index was not reached, or lacks the pinned version: check the network, PIP_INDEX_URL and proxies."
)


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("src/python-farmhash.cc:1:10: fatal error: Python.h: No such file or directory", HEADERS),
        ("error: [Errno 2] No such file or directory: 'g++'", COMPILER),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory: 'x86_64-linux-gnu-gcc'", COMPILER),
        ("unable to execute 'c++': No such file or directory", COMPILER),
        ("cause: failed to write: No space left on device (os error 28)", DISK),
        ("error: Hash mismatch for `numpy==2.4.6`", HASH),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", HASH),
        ("cause: dns error", NETWORK),
        ("ERROR: No matching distribution found for uv==0.13.9", NETWORK),
        ("something else", None),
    ],
)
def test_the_likely_remedy_comes_before_the_output(output: str, remedy: str | None) -> None:
    log = Path("/repo/.venv/tfx121.log")

    assert explain("It failed.", f"building\n{output}\n", log, "python3.13-dev").splitlines() == [
        "It failed.",
        *([f"  {remedy}"] if remedy else []),
        "  | building",
        f"  | {output}",
        f"  The whole log: {log}",
    ]


def test_only_the_end_of_a_long_output_is_shown() -> None:
    lines = explain("It failed.", "\n".join(f"line {i}" for i in range(1, 101)), Path("log")).splitlines()

    assert lines == ["It failed.", *(f"  | line {i}" for i in range(81, 101)), "  The whole log: log"]


def test_a_success_is_quiet_and_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "logs" / "log"
    env = {"PATH": os.environ["PATH"], "WHERE": "here"}

    run_logged(["sh", "-c", "echo out; echo err >&2; echo $WHERE; pwd"], log, env, "It failed.", cwd=tmp_path)

    assert capfd.readouterr() == ("", "")
    assert log.read_text(encoding="utf-8").splitlines() == [
        "$ sh -c 'echo out; echo err >&2; echo $WHERE; pwd'",
        "out",
        "err",
        "here",
        str(tmp_path),
    ]


def test_a_failure_shows_its_own_output_only(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run_logged(["echo", "earlier"], log, os.environ, "It failed.")

    with pytest.raises(SetupError) as caught:
        run_logged(["sh", "-c", "echo dns error; exit 3"], log, os.environ, "It failed.")

    assert str(caught.value) == f"It failed.\n  {NETWORK}\n  | dns error\n  The whole log: {log}"


def test_a_program_that_is_not_there_fails_too(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        run_logged(["/no/such/uv", "pip"], tmp_path / "log", os.environ, "It failed.")

    assert str(caught.value) == "It failed.\n  /no/such/uv: No such file or directory"
