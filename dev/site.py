"""Builds the documentation site: `make docs`.

The site has an environment of its own, .venv/docs, from requirements/docs.txt: what it reads of this project needs
neither TensorFlow nor TFX nor Beam, so that it is there in half a minute and disturbs no lane.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import pythons
from dev.console import SetupError, run_logged, say
from dev.lanes import LANES, Python, dotted

PINS = "requirements/docs.txt"
STAMP = ".pnfrec.json"
SITE = "build/site"


def choose_python(root: Path, env: Mapping[str, str]) -> Python:
    """The interpreter of the site: PNFREC_PYTHON, else one of PNFREC_LANE, else the newest that was found.

    Raises:
        SetupError: None fits.
    """
    name, lane = env.get("PNFREC_PYTHON", ""), env.get("PNFREC_LANE", "")
    if name:
        found = pythons.named(name, env, Path.home(), root)
    else:
        found = pythons.find([*pythons.candidates(env, Path.home(), root), sys.executable])
    wanted = [minor for one in LANES for minor in one.pythons if lane in ("", one.name)]
    fitting = [python for python in found if python.minor in wanted]
    if not fitting:
        seen = ", ".join(f"{dotted(python.version)} ({python.path})" for python in found) or "none"
        needed = ", ".join(dotted(minor) for minor in wanted)
        msg = f'The documentation needs one of Python {needed}. Found: {seen}.\n  See "Lanes" in CONTRIBUTING.md.'
        raise SetupError(msg)
    return min(fitting, key=lambda python: wanted.index(python.minor))


def make_environment(root: Path, python: Python, uv: str, env: Mapping[str, str], pinned: bool) -> Path:
    """Makes .venv/docs unless it is complete and current; returns its folder. Call it under `environment.locked`.

    Args:
        root: Of the repository.
        python: The interpreter that it stands on.
        uv: Path of uv.
        env: The environment variables of uv.
        pinned: From requirements/docs.txt; else from the ranges of the extra `docs` in setup.py.

    Raises:
        SetupError: A step failed; the log is .venv/docs.log.
    """
    venv, log = root / ".venv" / "docs", root / ".venv" / "docs.log"
    source = root / (PINS if pinned else "setup.py")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    stamp = json.dumps({"python": python.path, "version": dotted(python.version), "packages": digest})
    if (venv / STAMP).is_file() and (venv / STAMP).read_text(encoding="utf-8") == stamp:
        return venv
    if venv.exists():
        shutil.rmtree(venv)
    log.unlink(missing_ok=True)
    say(f"pnfrec: making .venv/docs with Python {dotted(python.version)} (log: .venv/docs.log)")
    run_logged(
        [uv, "venv", "--python", python.path, str(venv)], log, env, "The environment could not be made.", cwd=root
    )
    packages = ["sync", "--require-hashes", str(source)] if pinned else ["install", "-e", ".[docs]"]
    command = [uv, "pip", packages[0], "--python", str(venv / "bin" / "python"), *packages[1:]]
    run_logged(command, log, env, "The packages of the documentation could not be installed.", cwd=root)
    (venv / STAMP).write_text(stamp, encoding="utf-8")
    return venv


def build_site(root: Path, venv: Path, options: Sequence[str]) -> int:
    """Runs Sphinx, strictly: a warning, a dead link or a missing reference fails. Returns its exit status.

    Args:
        root: Of the repository.
        venv: The environment that has Sphinx.
        options: Passed on to Sphinx.
    """
    # Without -W's --keep-going only the first problem would be reported; -n reports missing references.
    # Without -E only pages that have changed are read: what is wrong in another is told once and never again, and a
    # page that is made from another file does not count as changed with it.
    strict = ["-W", "--keep-going", "-n", "-q", "-E"]
    folders = ["-d", str(root / "build" / "doctrees"), str(root / "docs"), str(root / SITE)]
    command = [str(venv / "bin" / "python"), "-m", "sphinx", *strict, *options, *folders]
    status = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False).returncode
    if status:
        say("pnfrec: the site was not built: each line above names a file and what is wrong in it")
    else:
        say(f"pnfrec: the site is {SITE}/index.html")
    return status
