"""Runs the two sides of a comparison in turn, each in a process of its own, and keeps what they print."""

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "bench"
# RePlay, which asks for another polars than the other peers are pinned to.
REPLAY = ROOT / ".venv" / "bench-replay"
# `pnfrec_keras` with the extra `keras` alone, as a script that calls `model.fit` has it: without TFX and its tools.
KERAS = ROOT / ".venv" / "bench-keras"
RESULTS = ROOT / "benchmarks" / "results"

Measured = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: Of the column.
        module: With a `main` that prints one line of JSON last.
        arguments: Of its command line.
        environment: Folder of the environment that it runs in, such as `PEERS`; None for the one that runs this.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Path | None = None

    def run(self) -> Measured:
        """Starts it and waits.

        Raises:
            RuntimeError: It failed, or its environment is not there.
        """
        python = self.environment / "bin" / "python" if self.environment else Path(sys.executable)
        if not python.exists():
            msg = f"{python} is missing: `make bench` makes it."
            raise RuntimeError(msg)
        command = [str(python), "-m", self.module, *self.arguments]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            msg = f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-3000:]}"
            raise RuntimeError(msg)
        measured: Measured = json.loads(done.stdout.strip().splitlines()[-1])
        return measured


def in_turn(sides: Sequence[Side], rounds: int) -> dict[str, list[Measured]]:
    """Each side `rounds` times, one after another, so that a slow spell of the machine meets all of them."""
    measured: dict[str, list[Measured]] = {side.name: [] for side in sides}
    for number in range(rounds):
        for side in sides:
            say(f"  round {number + 1}/{rounds}: {side.name} ...")
            measured[side.name].append(side.run())
    return measured


def median(runs: Sequence[Mapping[str, Any]], key: str) -> float:
    """Median over runs of a number, or of the numbers of a list but its first: the first epoch builds graphs."""
    values = [value for run in runs for value in (run[key][1:] if isinstance(run[key], list) else [run[key]])]
    return float(statistics.median(values))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
    return "\n".join(lines) + "\n"


def store(name: str, values: Mapping[str, Any]) -> Path:
    """Writes `benchmarks/results/<name>.json` with the machine and the date."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    facts = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
    }
    path.write_text(json.dumps({**facts, **values}, indent=1) + "\n", encoding="utf-8")
    return path


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
