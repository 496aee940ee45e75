"""Finds the Python interpreters of this machine, those behind pyenv's and asdf's shims too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dev.console import SetupError
from dev.lanes import LANES, Python, dotted

MINORS = tuple(minor for lane in LANES for minor in lane.pythons)
PROBE_SECONDS = 15
# The interpreter behind a virtual environment counts, not the environment. TensorFlow has no wheels for PyPy, and for
# free-threaded or 32-bit builds.
PROBE = """
import json, os, platform, sys, sysconfig
base = sys.executable
if sys.prefix != sys.base_prefix:
    base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
    base = base if os.path.exists(base) else os.path.realpath(sys.executable)
free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
usable = platform.python_implementation() == "CPython" and sys.maxsize > 2**32 and not free_threaded
headers = os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))
print(json.dumps({"path": base, "version": list(sys.version_info[:3]), "headers": headers, "usable": usable}))
"""


def probe(path: str) -> Python | None:
    """Asks the interpreter at `path` who it is; None where nothing usable answers (a shim without a version, PyPy)."""
    try:
        # -I: neither PYTHONPATH nor the current folder may change the answer.
        result = subprocess.run(
            [path, "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_SECONDS, check=True
        )
        answer = json.loads(result.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if not answer["usable"]:
        return None
    return Python(str(answer["path"]), tuple(answer["version"]), bool(answer["headers"]))


def candidates(env: Mapping[str, str], home: Path, root: Path) -> Iterator[str]:
    """Paths that may be interpreters, the nearest to the user first; the same one may come by several paths.

    Args:
        env: The environment variables.
        home: The user's home folder.
        root: Of this repository: interpreters that `uv python install` put into its tool folder.
    """
    names = [f"python{dotted(minor)}" for minor in MINORS]
    for folder in _path_folders(env):
        for name in [*names, "python3", "python"]:
            yield str(folder / name)
    data = Path(env.get("XDG_DATA_HOME") or home / ".local" / "share")
    uv = Path(env.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    roots = [
        Path(env.get("PYENV_ROOT") or home / ".pyenv") / "versions",
        root / ".tools" / "python",
        uv,
        Path(env.get("ASDF_DATA_DIR") or home / ".asdf") / "installs" / "python",
        data / "mise" / "installs" / "python",
    ]
    for folder in [*(version for parent in roots for version in _newest_first(parent)), *_system_folders()]:
        for name in names:
            yield str(folder / "bin" / name)


def find(paths: Iterable[str]) -> list[Python]:
    """Those of `paths` that answer, each interpreter once, in the given order."""
    found: list[Python] = []
    seen: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        if real in seen or not os.access(real, os.X_OK) or os.path.isdir(real):
            continue
        seen.add(real)
        python = probe(path)
        if python and os.path.realpath(python.path) not in {os.path.realpath(known.path) for known in found}:
            found.append(python)
    return found


def named(wanted: str, env: Mapping[str, str], home: Path, root: Path) -> list[Python]:
    """The interpreter that PNFREC_PYTHON names: a path, a command, or a version such as 3.12.

    Raises:
        SetupError: Nothing answers under this name.
    """
    if wanted.replace(".", "").isdigit():
        pythons = [python for python in find(candidates(env, home, root)) if _matches(python, wanted)]
    else:
        python = probe(shutil.which(os.path.expanduser(wanted), path=env.get("PATH")) or wanted)
        pythons = [python] if python else []
    if not pythons:
        msg = (
            f"PNFREC_PYTHON={wanted} is no Python that answers.\n"
            "  Expected: the path of a CPython, a command on PATH, or a version such as 3.10."
        )
        raise SetupError(msg)
    return pythons[:1]


def _matches(python: Python, wanted: str) -> bool:
    return f"{dotted(python.version)}.".startswith(f"{wanted}.")


def _path_folders(env: Mapping[str, str]) -> list[Path]:
    folders = [Path(folder) for folder in env.get("PATH", "").split(os.pathsep) if folder]
    # A shim answers or not by the version its manager has selected; the interpreters behind it are looked up directly.
    return [folder for folder in folders if folder.name != "shims"]


def _newest_first(parent: Path) -> list[Path]:
    def key(folder: Path) -> list[int]:
        return [int(part) for part in "".join(c if c.isdigit() else " " for c in folder.name).split()]

    return sorted((folder for folder in parent.glob("*") if folder.is_dir()), key=key, reverse=True)


def _system_folders() -> list[Path]:
    return [Path(folder) for folder in ("/usr", "/usr/local", "/opt/homebrew", "/opt/conda")]
