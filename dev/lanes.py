"""The two dependency lanes and the rule that picks one.

TFX 1.16 is the last release with wheels for a glibc older than 2.39, and takes Python 3.10. TFX 1.21 takes Python 3.11
to 3.13. The ranges of both lie in setup.py, the exact pins in requirements/<lane>.txt.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dev.console import SetupError

if TYPE_CHECKING:
    Version = tuple[int, ...]


def dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)


@dataclass(frozen=True)
class Lane:
    """A set of dependencies.

    Attributes:
        name: Of the lane, its virtual environment and its pin file.
        tfx: The release of TFX.
        pythons: Minor versions of Python that it takes, the most wanted first.
        min_glibc: The oldest glibc that its wheels load on.
        macos_arm64: Whether there are wheels for macOS on arm64.
    """

    name: str
    tfx: str
    pythons: tuple[Version, ...]
    min_glibc: Version
    macos_arm64: bool = False

    @property
    def python_range(self) -> str:
        oldest, newest = min(self.pythons), max(self.pythons)
        return dotted(oldest) if oldest == newest else f"{dotted(oldest)} to {dotted(newest)}"

    @property
    def platforms(self) -> str:
        return f"Linux on x86_64 with glibc {dotted(self.min_glibc)} or newer" + (
            ", or macOS on arm64" if self.macos_arm64 else ""
        )


TFX121 = Lane("tfx121", "1.21", ((3, 13), (3, 12), (3, 11)), min_glibc=(2, 39), macos_arm64=True)
TFX116 = Lane("tfx116", "1.16", ((3, 10),), min_glibc=(2, 28))
# The newer one first: it is taken wherever it fits.
LANES = (TFX121, TFX116)


@dataclass(frozen=True)
class Host:
    """What wheels have to fit: system and machine as the platform module names them, and the glibc if there is one."""

    system: str
    machine: str
    glibc: Version | None = None

    @property
    def pinned(self) -> bool:
        """Whether the pin files are solved for this system."""
        return self.system == "Linux"

    def __str__(self) -> str:
        libc = f", glibc {dotted(self.glibc)}" if self.glibc else ""
        return f"{self.system} {self.machine}{libc}"


@dataclass(frozen=True)
class Python:
    """An interpreter that answered: its path, its version, and whether its C headers are there."""

    path: str
    version: Version
    headers: bool = True

    @property
    def minor(self) -> Version:
        return self.version[:2]


@dataclass(frozen=True)
class Choice:
    """A lane, the interpreter that its environment is made from, and why this lane."""

    lane: Lane
    python: Python
    reason: str


def this_host() -> Host:
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    return Host(platform.system(), platform.machine(), numbers if library == "glibc" and numbers else None)


def fits(lane: Lane, host: Host) -> bool:
    if host.system == "Darwin":
        return host.machine == "arm64" and lane.macos_arm64
    return (
        host.system == "Linux" and host.machine == "x86_64" and host.glibc is not None and host.glibc >= lane.min_glibc
    )


def allowed_lanes(host: Host, wanted: str = "") -> tuple[Lane, ...]:
    """The lanes that fit `host`, the best first; only `wanted` where it is named.

    Raises:
        SetupError: No lane fits, or `wanted` does not, or is not the name of one.
    """
    by_name = {lane.name: lane for lane in LANES}
    if wanted and wanted not in by_name:
        msg = f"PNFREC_LANE must be {' or '.join(by_name)}. Received: {wanted!r}."
        raise SetupError(msg)
    fitting = tuple(lane for lane in LANES if fits(lane, host))
    if not fitting:
        msg = (
            f"TFX has no wheels for this machine ({host}).\n"
            f"  They exist for {TFX116.platforms}, and for macOS on arm64 (on Windows: use WSL).\n"
            "  The network alone needs only TensorFlow and Keras: pip install '.[keras]'"
        )
        raise SetupError(msg)
    if wanted and by_name[wanted] not in fitting:
        msg = (
            f"PNFREC_LANE={wanted} does not fit this machine ({host}).\n"
            f"  The wheels of TFX {by_name[wanted].tfx} need {by_name[wanted].platforms}.\n"
            f"  Leave PNFREC_LANE out to get {fitting[0].name}."
        )
        raise SetupError(msg)
    return tuple(lane for lane in fitting if wanted in ("", lane.name))


def choose(host: Host, pythons: Iterable[Python], wanted: str = "", python_named: bool = False) -> Choice | None:
    """The first lane that fits and has a Python; of its Pythons one with headers, then the newest minor version.

    Pythons that are equal in both keep the order in which they were found.

    Args:
        host: The machine.
        pythons: What was found on it.
        wanted: The only lane to look at (PNFREC_LANE).
        python_named: `pythons` is the one that the user named (PNFREC_PYTHON); for the reason only.

    Raises:
        SetupError: No lane fits this machine at all.
    """
    found = list(pythons)
    for lane in allowed_lanes(host, wanted):
        ours = [python for python in found if python.minor in lane.pythons]
        if ours:
            best = min(ours, key=lambda python: (not python.headers, lane.pythons.index(python.minor)))
            return Choice(lane, best, _reason(lane, host, wanted, python_named))
    return None


def _reason(lane: Lane, host: Host, wanted: str, python_named: bool) -> str:
    newest = LANES[0]
    if wanted:
        return "PNFREC_LANE asks for it"
    if lane is newest:
        return f"the wheels of TFX {lane.tfx} load here ({host})"
    if not fits(newest, host):
        return f"the wheels of TFX {newest.tfx} need glibc {dotted(newest.min_glibc)} or newer, and this is {host}"
    if python_named:
        return "PNFREC_PYTHON names a Python of this lane"
    return f"no Python {newest.python_range}, which TFX {newest.tfx} needs, was found"


def no_python_message(
    host: Host, found: Sequence[Python], wanted: str = "", python_named: bool = False, uv: str = "uv"
) -> str:
    """Says what is needed, what was found instead, and how to get one; the arguments are those of `choose`."""
    lanes = allowed_lanes(host, wanted)
    target = dotted(lanes[0].pythons[0])
    needs = " or ".join(f"Python {lane.python_range} (lane {lane.name}, TFX {lane.tfx})" for lane in lanes)
    others = [f"{dotted(python.version):8} {python.path}" for python in found] or ["none"]
    if host.system == "Darwin":
        package = f"brew install python@{target}"
    elif lanes[0] is TFX121:
        package = "apt install python3 python3-dev    (Debian 13, Ubuntu 24.04)"
    else:
        package = f"apt install python{target} python{target}-dev    (Ubuntu; after 22.04 from the deadsnakes PPA)"
    return "\n".join(
        [
            "The Python that PNFREC_PYTHON names does not fit." if python_named else "No Python that fits was found.",
            f"  this is    {host}",
            f"  it needs   {needs}",
            "  found      " + "\n             ".join(others),
            "  Get one, then run make again:",
            f"             {uv} python install {target}",
            f"             pyenv install {target}",
            f"             {package}",
            f"  Or name one that was not found: make PNFREC_PYTHON=/path/to/python{target} ...",
        ]
    )
