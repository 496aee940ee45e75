"""The facts of this machine and installation that `pnfrec doctor` looks at. Imports nothing heavy."""

import dataclasses
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]+?))?\s*\\?$")


@dataclasses.dataclass(frozen=True)
class Machine:
    """All that the checks look at.

    Attributes:
        system, architecture: As the platform module names them.
        glibc: Its version; None where there is none.
        python: Version of the running interpreter.
        prefix: Folder of the running environment.
        cores: That this process may use.
        memory, disk_free: Bytes; of the machine, and in `folder`.
        folder: The current one, where runs are written by default.
        gpus: One line each, as the driver names them; None without a driver.
        programs: Name to path on PATH; None where it is not there.
        packages: Distribution (canonical name) to version.
        pins: The same from the lane's pin file; None outside a checkout.
    """

    system: str
    architecture: str
    glibc: tuple[int, ...] | None
    python: tuple[int, int, int]
    prefix: str
    cores: int
    memory: int
    disk_free: int
    folder: str
    gpus: tuple[str, ...] | None
    programs: Mapping[str, str | None]
    packages: Mapping[str, str]
    pins: Mapping[str, str] | None

    @property
    def lane(self) -> str:
        return "tfx116" if self.python < (3, 11) else "tfx121"


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(text: str) -> dict[str, str]:
    """Distribution to version, of the lines of a pin file whose markers hold for the running interpreter."""
    from packaging.markers import Marker

    pins: dict[str, str] = {}
    for line in text.splitlines():
        match = PIN.match(line)
        if match and (match[3] is None or Marker(match[3]).evaluate()):
            pins[canonical(match[1])] = match[2]
    return pins


def look() -> Machine:
    """Gathers the facts of this machine; takes a fraction of a second."""
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    lane = "tfx116" if sys.version_info < (3, 11) else "tfx121"
    pin_file = ROOT / "requirements" / f"{lane}.txt"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        glibc=numbers if library == "glibc" and numbers else None,
        python=sys.version_info[:3],
        prefix=sys.prefix,
        cores=cores,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        disk_free=shutil.disk_usage(".").free,
        folder=os.getcwd(),
        gpus=_gpus(),
        programs={name: shutil.which(name) for name in ("tfx", "pip")},
        packages=_packages(),
        pins=read_pins(pin_file.read_text(encoding="utf-8")) if pin_file.is_file() and _has_packaging() else None,
    )


def _packages() -> dict[str, str]:
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            # The first on the path is the one that is imported.
            found.setdefault(canonical(name), distribution.version)
    return found


def _has_packaging() -> bool:
    try:
        metadata.version("packaging")
    except metadata.PackageNotFoundError:
        return False
    return True


def _gpus() -> tuple[str, ...] | None:
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip())
