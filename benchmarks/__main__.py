"""`make bench`: installs the peers where they are missing, then runs the benchmarks, each in a process of its own."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import measure

BENCHMARKS = (
    "training",
    "trace",
    "transform",
    "evaluation",
    "query",
    "scann",
    "startup",
    "sampled",
    "serving",
    "bulk",
    "days",
    "quality",
    "peers",
    "spans",
)
# torch has wheels for these; the first that is found takes them.
_PYTHONS = ("python3.11", "python3.12", "python3.10", sys.executable)


def install_peers(folder: Path = measure.PEERS, pins: str = "peers.txt") -> None:
    """Makes an environment of peers from its pins in benchmarks/, unless it is complete.

    Raises:
        RuntimeError: No Python could make it, or pip failed; its output is in a log beside it, such as .venv/bench.log.
    """
    wanted = (measure.ROOT / "benchmarks" / pins).read_text(encoding="utf-8")
    python = next(filter(_works, _PYTHONS), None)
    if python is None:
        msg = f"None of {', '.join(_PYTHONS)} works: the peers need one of them."
        raise RuntimeError(msg)
    _make(folder, python, f"the peers of {pins}", ["--requirement", f"benchmarks/{pins}"], wanted)


def install_keras() -> None:
    """Makes .venv/bench-keras: the extra `keras` at the versions of the environment that runs this.

    Raises:
        RuntimeError: pip failed; its output is in .venv/bench-keras.log.
    """
    freeze = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    versions = subprocess.run(freeze, check=True, capture_output=True, text=True).stdout
    measure.KERAS.parent.mkdir(exist_ok=True)
    constraints = measure.KERAS.with_suffix(".txt")
    constraints.write_text("".join(line + "\n" for line in versions.splitlines() if "==" in line), encoding="utf-8")
    options = ["--constraint", str(constraints), "--editable", ".[keras]"]
    _make(measure.KERAS, sys.executable, "the extra `keras` alone", options, versions)


def _make(folder: Path, python: str, what: str, options: list[str], wanted: str) -> None:
    stamp = folder / "wanted.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    log = folder.with_suffix(".log")
    measure.say(f"Installing {what} into {folder.relative_to(measure.ROOT)} (log: {log.name}) ...")
    shutil.rmtree(folder, ignore_errors=True)
    with log.open("wb") as output:
        for command in (
            [python, "-m", "venv", str(folder)],
            [str(folder / "bin" / "pip"), "install", "--quiet", *options],
        ):
            done = subprocess.run(command, cwd=measure.ROOT, stdout=output, stderr=output, check=False)
            if done.returncode:
                msg = f"{' '.join(command)} failed: see {log}."
                raise RuntimeError(msg)
    stamp.write_text(wanted, encoding="utf-8")


def _works(python: str) -> bool:
    if not Path(python).exists() and shutil.which(python) is None:
        return False
    # A shim of pyenv may be there without the version behind it.
    return subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(BENCHMARKS)):
        parser.error(f"no such benchmark: {', '.join(unknown)}. There are {', '.join(BENCHMARKS)}.")
    try:
        install_peers()
        if "peers" in (arguments.names or BENCHMARKS):
            install_peers(measure.REPLAY, "peers-replay.txt")
        install_keras()
    except RuntimeError as error:
        sys.exit(f"Error: {error}")
    for name in arguments.names or BENCHMARKS:
        measure.say(f"== {name}")
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=measure.ROOT, check=False)
        if done.returncode:
            sys.exit(f"Error: the benchmark `{name}` ended with {done.returncode}.")


if __name__ == "__main__":
    main()
