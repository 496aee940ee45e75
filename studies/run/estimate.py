"""How long a study may take, as soon as that can be told."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from studies.study import Trial

# Of the first training. The one before them builds graphs, and is not counted.
_EPOCHS: Final = 2


class Estimate:
    """Says once, some epochs after the first training has begun, how long all of them take at most.

    Args:
        epochs: Name of each training that is to be done to the epochs that it may take.
        jobs: Trainings at once.
        say: Gets the line.
    """

    def __init__(self, epochs: Mapping[str, int], jobs: int, say: Callable[[str], None]) -> None:
        self._epochs = epochs
        self._jobs = jobs
        self._say = say
        self._first: dict[str, tuple[int, float]] = {}
        self._told = len(epochs) < 2

    def epoch(self, name: str, number: int) -> None:
        """An epoch of a training of a trial has ended. One that was cut off goes on with a later one than the first."""
        if self._told:
            return
        now = time.monotonic()
        begin, since = self._first.setdefault(name, (number, now))
        if number - begin < _EPOCHS:
            return
        self._told = True
        seconds = (now - since) / (number - begin)
        most = seconds * sum(self._epochs.values()) / self._jobs
        text = f"    {name}: {seconds:.1f} s an epoch. If each of the {len(self._epochs)} trainings took as long"
        self._say(f"{text} and none stopped before its last epoch, all would take {_time(most)}.")


def to_do(trials: Sequence[Trial], waiting: Sequence[int], models: Path) -> dict[str, int]:
    """The trainings that trials wait for: name to the epochs that each may take.

    Args:
        trials: All of a study.
        waiting: Places of those without a result.
        models: Folder of all trainings.
    """
    found = {}
    for place in waiting:
        name = trials[place].training_key
        if name is not None and not (models / name).is_dir():
            found[name] = trials[place].config.training.epochs
    return found


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
