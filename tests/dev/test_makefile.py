"""The targets of the Makefile, without setting anything up."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TARGETS = [
    "help",
    "run",
    "check",
    "test",
    "cluster-test",
    "rest-test",
    "coverage",
    "lint",
    "format",
    "docs",
    "bench",
    "doctor",
    "setup",
    "lock",
    "clean",
    "distclean",
]
BOOTSTRAP = "python3 -m dev.bootstrap"
LINT = f"{BOOTSTRAP} run -- sh -ec 'ruff check .; ruff format --check .; mypy'"
PARALLEL = "--numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # What a `make test ARGS=...` around these tests hands down would change the answers.
    outer = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS", "CONFIG")
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name not in outer},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_the_targets() -> None:
    result = make()

    assert result.returncode == 0
    listed = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("  make ")]
    assert listed == TARGETS
    assert make("help").stdout == result.stdout


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        (["run"], [f"{BOOTSTRAP} run -- pnfrec run --config configs/movietweetings.yaml --query"]),
        (["run", "CONFIG=my.yaml"], [f"{BOOTSTRAP} run -- pnfrec run --config my.yaml --query"]),
        (["check"], [LINT, f"{BOOTSTRAP} run -- pytest --fast {PARALLEL}"]),
        (["test", "ARGS=-k gate"], [f"{BOOTSTRAP} run -- pytest {PARALLEL} -k gate"]),
        (["coverage"], [f"{BOOTSTRAP} run -- pytest {PARALLEL} --cov --cov-report=term"]),
        (["lint"], [LINT]),
        (["format"], [f"{BOOTSTRAP} run -- sh -ec 'ruff check --fix .; ruff format .'"]),
        (["docs"], [f"{BOOTSTRAP} docs"]),
        (["doctor", "ARGS=--deep"], [f"{BOOTSTRAP} run -- pnfrec doctor --deep"]),
        (["setup"], [f"{BOOTSTRAP} setup"]),
        (["lock", "ARGS=--upgrade"], [f"{BOOTSTRAP} lock --upgrade"]),
    ],
)
def test_what_a_target_runs(arguments: list[str], commands: list[str]) -> None:
    result = make("--dry-run", "ANY_PYTHON=python3", *arguments)

    assert result.returncode == 0
    assert [line.rstrip() for line in result.stdout.splitlines()] == commands


def test_without_a_python_the_message_says_what_to_install() -> None:
    result = make("setup", "ANY_PYTHON=")

    assert result.returncode == 2
    assert (
        "No Python 3.8 or newer was found. Install one (apt install python3 python3-venv), then run make again."
        in result.stderr
    )
