"""Finds uv, or installs the pinned one into the tool folder of this tree."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.console import SetupError, run_logged, say

# Older ones lack options that are used here.
MIN_VERSION = (0, 5)
PINS = "requirements/uv.txt"
NO_PIP = (
    "uv is not on PATH, and no Python that was found has pip or venv to install it with.\n"
    "  Install either, then run make again: apt install python3-venv    (or see the documentation of uv)"
)


def version_of(uv: str) -> tuple[int, ...] | None:
    """The version that the program answers with; None where it does not answer."""
    try:
        result = subprocess.run([uv, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"uv (\d+)\.(\d+)\.(\d+)", result.stdout)
    return tuple(int(part) for part in match.groups()) if match else None


def find_uv(root: Path, env: Mapping[str, str]) -> str | None:
    """The uv of the tool folder where it is the pinned one, else one on PATH that is new enough."""
    folder = root / ".tools" / "uv"
    ours = folder / "bin" / "uv"
    if _pins_of(folder) == _digest(root) and version_of(str(ours)):
        return str(ours)
    theirs = shutil.which("uv", path=env.get("PATH"))
    return theirs if theirs and (version_of(theirs) or (0,)) >= MIN_VERSION else None


def get_uv(root: Path, env: Mapping[str, str], pythons: Sequence[str], log: Path) -> str:
    """Finds uv or installs it.

    Args:
        root: Of the repository.
        env: The environment variables.
        pythons: Interpreters whose pip may install it, tried in order after the running one.
        log: Where pip's output goes.

    Raises:
        SetupError: There is no pip, or it could not install uv.
    """
    found = find_uv(root, env)
    if found:
        return found
    folder = root / ".tools" / "uv"
    work = root / ".tools" / f"uv.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        pip = _pip(work, [sys.executable, *pythons])
        say("pnfrec: installing uv into .tools")
        options = ["--quiet", "--no-user", "--no-deps", "--require-hashes", "--target", str(work / "uv")]
        run_logged([*pip, "install", *options, "-r", str(root / PINS)], log, env, "uv could not be installed by pip.")
        (work / "uv" / ".pins").write_text(_digest(root), encoding="ascii")
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(str(work / "uv"), str(folder))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return str(folder / "bin" / "uv")


def _pip(work: Path, pythons: Sequence[str]) -> list[str]:
    """The command of a pip: an interpreter's own, else one of a new virtual environment."""
    for python in pythons:
        if _answers([python, "-m", "pip", "--version"]):
            return [python, "-m", "pip"]
    for python in pythons:
        if _answers([python, "-m", "venv", str(work / "venv")]):
            return [str(work / "venv" / "bin" / "python"), "-m", "pip"]
    raise SetupError(NO_PIP)


def _answers(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _digest(root: Path) -> str:
    return hashlib.sha256((root / PINS).read_bytes()).hexdigest()


def _pins_of(folder: Path) -> str:
    try:
        return (folder / ".pins").read_text(encoding="ascii")
    except OSError:
        return ""
