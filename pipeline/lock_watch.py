"""Watches from outside whether a run waits for a program that has locked the record of earlier runs.

ML Metadata waits for many minutes, without a word, and while it does no other thread of its process runs. So the
process that started the run looks: at the system's list of locks, and at the time that the run has computed.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pipeline.metadata_file import SILENCE_S, locked_for, name_of, other_holders

# How long a run may wait in the middle of its work, where more is lost than before it began.
PATIENCE_S: Final = 60.0
# Of the time that goes by, the part that a run computes at most while it waits: its threads wake up now and then.
_IDLE: Final = 0.1
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def watching(
    path: Path,
    process: int,
    say: Callable[[str], None],
    give_up: Callable[[str], None],
    *,
    patience: float = PATIENCE_S,
    every: float = SILENCE_S,
) -> Iterator[None]:
    """Watches while the context lasts.

    Args:
        path: The file of ML Metadata.
        process: The number of the process that works with it, alone or with others that it started.
        say: Gets a sentence on each other program that keeps the file locked, once.
        give_up: Gets the sentence with which to end, when the run has waited for too long.
        patience: Seconds that it may wait.
        every: Seconds between two looks.
    """
    ended = threading.Event()

    def look() -> None:
        before: set[int] = set()
        told: set[int] = set()
        begin: tuple[float, float] | None = None
        while not ended.wait(every):
            now = set(other_holders(path, process))
            for other in sorted((now & before) - told):
                told.add(other)
                say(f"{path} is locked by {name_of(other)}: the run waits where it has to write there")
            before = now
            moment = (time.monotonic(), computed(process)) if now else None
            if moment is None or begin is None or not _is_idle(begin, moment):
                begin = moment
            elif (waited := moment[0] - begin[0]) >= patience:
                give_up(locked_for(path, waited, process))
                return

    thread = threading.Thread(target=look, name="locks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_idle(begin: tuple[float, float], now: tuple[float, float]) -> bool:
    """Whether next to nothing was computed between two moments (time, seconds computed)."""
    return now[1] - begin[1] <= _IDLE * max(now[0] - begin[0], SILENCE_S)


def computed(process: int) -> float:
    """Seconds of processor time of a process and of all that it started and that still run."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                # Behind the name, which ends at the last bracket: state, parent, and from the 12th on the times.
                fields = Path("/proc", entry, "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents[int(entry)] = int(fields[1])
                seconds[int(entry)] = (int(fields[11]) + int(fields[12])) / _TICKS
    tree = {process}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    return sum(seconds.get(each, 0.0) for each in tree)
