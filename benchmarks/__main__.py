"""`make bench`: installs the peers where they are missing, then runs the benchmarks, each in a process of its own."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import measure

BENCHMARKS = ("training", "trace", "transform", "evaluation", "query", "scann", "startup", "sampled")
# torch has wheels for these; the first that is found takes them.
_PYTHONS = ("python3.11", "python3.12", "python3.10", sys.executable)


def install_peers() -> None:
    """Makes .venv/bench from benchmarks/peers.txt, unless it is complete.

    Raises:
        RuntimeError: No Python could make it, or pip failed; its output is in .venv/bench.log.
    """
    wanted = measure.ROOT / "benchmarks" / "peers.txt"
    stamp = measure.PEERS / "peers.txt"
    if stamp.is_file() and stamp.read_bytes() == wanted.read_bytes():
        return
    python = next(filter(_works, _PYTHONS), None)
    if python is None:
        msg = f"None of {', '.join(_PYTHONS)} works: the peers need one of them."
        raise RuntimeError(msg)
    log = measure.PEERS.with_suffix(".log")
    measure.say(f"Installing the peers into {measure.PEERS.relative_to(measure.ROOT)} (log: {log.name}) ...")
    shutil.rmtree(measure.PEERS, ignore_errors=True)
    with log.open("wb") as output:
        for command in (
            [python, "-m", "venv", str(measure.PEERS)],
            [str(measure.PEERS / "bin" / "pip"), "install", "--quiet", "--requirement", str(wanted)],
        ):
            done = subprocess.run(command, stdout=output, stderr=output, check=False)
            if done.returncode:
                msg = f"{' '.join(command)} failed: see {log}."
                raise RuntimeError(msg)
    shutil.copyfile(wanted, stamp)


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
    except RuntimeError as error:
        sys.exit(f"Error: {error}")
    for name in arguments.names or BENCHMARKS:
        measure.say(f"== {name}")
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=measure.ROOT, check=False)
        if done.returncode:
            sys.exit(f"Error: the benchmark `{name}` ended with {done.returncode}.")


if __name__ == "__main__":
    main()
