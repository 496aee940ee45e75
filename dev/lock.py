"""Makes the pin files: `make lock`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import pipconf
from dev.console import run_logged, say
from dev.uv import get_uv

EXTRAS = ("--extra", "pipeline", "--extra", "dev")
COMMON = ("--quiet", "--generate-hashes", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
# Pin file -> what is resolved, and for which Python and platform. The newer lane's file serves three Pythons, that of
# the documentation four: both are universal, within [tool.uv] environments of pyproject.toml. That of uv itself serves
# every platform.
PIN_FILES: dict[str, tuple[str, ...]] = {
    "tfx116.txt": ("setup.py", *EXTRAS, "--python-version", "3.10", "--python-platform", "x86_64-manylinux_2_28"),
    "tfx121.txt": ("setup.py", *EXTRAS, "--universal", "--python-version", "3.11"),
    "docs.txt": ("setup.py", "--extra", "docs", "--universal", "--python-version", "3.10"),
    "uv.txt": ("requirements/uv.in", "--no-deps", "--python-version", "3.8"),
}
HEADER = "make lock"


def commands(uv: str, options: Sequence[str]) -> list[list[str]]:
    """One command of uv for each pin file."""
    return [
        [uv, "pip", "compile", *arguments, *COMMON, *options, "-o", f"requirements/{name}"]
        for name, arguments in PIN_FILES.items()
    ]


def write_pin_files(root: Path, env: Mapping[str, str], options: Sequence[str]) -> None:
    """Resolves the ranges of setup.py into the pin files; pins that still fit stay unless `options` says --upgrade.

    Raises:
        SetupError: uv is not to be had, or a lane cannot be resolved.
    """
    log = root / ".venv" / "lock.log"
    log.parent.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    uv = get_uv(root, env, [], log)
    # Packages of this machine or company would bring versions and hashes that nobody else can match.
    settings = pipconf.pip_settings(env, pipconf.pip_config_list(sys.executable), sources=False)
    variables = {**env, **pipconf.uv_variables(settings, env), "UV_CUSTOM_COMPILE_COMMAND": HEADER}
    for command in commands(uv, options):
        say(f"pnfrec: resolving {command[-1]}")
        run_logged(command, log, variables, f"{command[-1]} could not be resolved.", cwd=root)
