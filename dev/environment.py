"""Makes the virtual environment of a lane in .venv/<lane> and knows whether it is complete and current.

A stamp in the environment, written last and removed first, names all that the environment was made from. Without a
stamp the set-up was interrupted, and the environment is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dev.console import SetupError, run_logged, say
from dev.lanes import Choice, Lane, dotted

# Raise it when environments have to be made anew although no other part of the stamp differs.
FORMAT = 1
NEEDED_BYTES = 4 << 30
STAMP = ".pnfrec.json"
# Once, on all cores. Otherwise the first processes do it, one core each; and where PYTHONDONTWRITEBYTECODE is set, as
# in many containers, every process does: TFX then takes 35 s of a core to import instead of 12 s.
_COMPILED = ("--compile-bytecode",)


@dataclass(frozen=True)
class Stamp:
    """What an environment was made from.

    Attributes:
        format: Of the environment's making.
        python: Path of the interpreter that it stands on.
        version: Of that interpreter.
        pins: Hash of the pin file, or "ranges" where none fits the system.
        project: Hash of setup.py and pyproject.toml.
        extras: Further extras (PNFREC_EXTRAS), sorted, with commas.
    """

    format: int
    python: str
    version: str
    pins: str
    project: str
    extras: str


def venv_folder(root: Path, lane: Lane) -> Path:
    return root / ".venv" / lane.name


def pin_file(root: Path, lane: Lane) -> Path:
    return root / "requirements" / f"{lane.name}.txt"


def extras_of(env: Mapping[str, str], standing: Stamp | None = None) -> str:
    """PNFREC_EXTRAS in one form (names sorted, with commas); where it is not set, those of the standing environment."""
    if "PNFREC_EXTRAS" not in env:
        return standing.extras if standing else ""
    return ",".join(sorted(set(env["PNFREC_EXTRAS"].replace(",", " ").split())))


def wanted_stamp(root: Path, choice: Choice, extras: str, pinned: bool) -> Stamp:
    project = (root / "setup.py").read_bytes() + (root / "pyproject.toml").read_bytes()
    pins = hashlib.sha256(pin_file(root, choice.lane).read_bytes()).hexdigest() if pinned else "ranges"
    version = dotted(choice.python.version)
    return Stamp(FORMAT, choice.python.path, version, pins, hashlib.sha256(project).hexdigest(), extras)


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of a complete environment whose interpreter still exists; None otherwise."""
    try:
        stamp = Stamp(**json.loads((venv / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return stamp if os.access(str(venv / "bin" / "python"), os.X_OK) else None


def is_current(root: Path, choice: Choice, extras: str, pinned: bool) -> bool:
    """Whether the environment of this lane is complete and made from what is wanted now."""
    return read_stamp(venv_folder(root, choice.lane)) == wanted_stamp(root, choice, extras, pinned)


def write_stamp(venv: Path, stamp: Stamp) -> None:
    unfinished = venv / f"{STAMP}.{os.getpid()}"
    unfinished.write_text(json.dumps(asdict(stamp), indent=2) + "\n", encoding="utf-8")
    os.replace(str(unfinished), str(venv / STAMP))


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Holds the lock under which environments are made; waits for another make that holds it."""
    folder = root / ".venv"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w", encoding="ascii") as lock:
        # The installers inherit it, so that one whose make was killed keeps others out until it ends.
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("pnfrec: another make is setting up; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Setup:
    """Makes one environment.

    Attributes:
        root: Of the repository.
        choice: Lane and interpreter.
        uv: Path of uv.
        env: The environment variables of uv.
        pinned: From the pin file; else from the ranges in setup.py.
        extras: Further extras, as `extras_of` writes them.
    """

    root: Path
    choice: Choice
    uv: str
    env: Mapping[str, str]
    pinned: bool
    extras: str

    @property
    def venv(self) -> Path:
        return venv_folder(self.root, self.choice.lane)

    @property
    def log(self) -> Path:
        return self.root / ".venv" / f"{self.choice.lane.name}.log"

    def run(self) -> None:
        """Brings the environment to the wanted state; call it under `locked`.

        Raises:
            SetupError: A step failed, or the disk has no room.
        """
        wanted = wanted_stamp(self.root, self.choice, self.extras, self.pinned)
        have = read_stamp(self.venv)
        if have == wanted:
            return
        started = time.monotonic()
        (self.venv / STAMP).unlink(missing_ok=True)
        # One environment cannot change its interpreter; and extras that are no longer wanted go best with the whole.
        keep = have is not None and (have.format, have.python, have.version, have.extras) == (
            wanted.format,
            wanted.python,
            wanted.version,
            wanted.extras,
        )
        if not keep:
            self._create("incomplete" if have is None else "made from another Python or other extras")
        if not (keep and have is not None and have.pins == wanted.pins):
            self._install_dependencies()
        self._install_project()
        write_stamp(self.venv, wanted)
        say(f"pnfrec: .venv/{self.choice.lane.name} is ready ({time.monotonic() - started:.0f} s)")

    def _create(self, state: str) -> None:
        if self.venv.exists():
            say(f"pnfrec: .venv/{self.choice.lane.name} is {state}; making it anew")
            shutil.rmtree(self.venv)
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            gib = 1 << 30
            msg = f"An environment needs about {NEEDED_BYTES / gib:.0f} GB; {self.root} has {free / gib:.1f} GB free."
            raise SetupError(msg)
        self.log.unlink(missing_ok=True)
        failure = "The virtual environment could not be made."
        self._uv(failure, "venv", "--python", self.choice.python.path, str(self.venv))

    def _install_dependencies(self) -> None:
        where = f"log: {self.log.relative_to(self.root)}"
        if self.pinned:
            pins = pin_file(self.root, self.choice.lane)
            say(f"pnfrec: installing the packages of {pins.relative_to(self.root)} ({where})")
            failure = "The pinned packages could not be installed."
            self._uv(failure, "pip", "sync", *_COMPILED, "--require-hashes", str(pins))
        else:
            say(f"pnfrec: the pin files are for Linux; installing within the ranges of setup.py ({where})")
            self._uv("The packages could not be installed.", "pip", "install", *_COMPILED, "-e", ".[pipeline,dev]")

    def _install_project(self) -> None:
        failure = "The project could not be installed."
        # setuptools comes with the dependencies: nothing is fetched, and its version is the pinned one.
        self._uv(failure, "pip", "install", "--no-deps", "--no-build-isolation", "-e", ".")
        if self.extras:
            say(f"pnfrec: installing the extras {self.extras}, within the ranges of setup.py")
            constraints = ["--constraint", str(pin_file(self.root, self.choice.lane))] if self.pinned else []
            target = f".[pipeline,dev,{self.extras}]"
            self._uv(failure, "pip", "install", "--no-build-isolation-package", "pnfrec", *constraints, "-e", target)

    def _uv(self, failure: str, *arguments: str) -> None:
        command = [self.uv, *arguments]
        if arguments[0] == "pip":
            command[3:3] = ["--python", str(self.venv / "bin" / "python")]
        dev = f"python{dotted(self.choice.python.minor)}-dev"
        run_logged(command, self.log, self.env, failure, dev, cwd=self.root)
