"""The models of successive mornings for `benchmarks/days.py`: one seed, day by day, and what is kept of it."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import days_data
from pnfrec_core import measures
from pnfrec_core.files import write
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.evaluation.evaluate import of_model, rank_all
from pnfrec_keras.examples.arrays import steps_per_epoch
from pnfrec_keras.training.fitting import train
from pnfrec_keras.training.refitting import Schedule, train_steps
from pnfrec_keras.training.warm import WarmStart

MODEL = ModelConfig(dim=32, num_blocks=1, max_length=30)
# A small network, so that the 20 days of a seed fit into an hour on one core. Its learning rate and the epochs of a
# warm training were chosen on the validation users of 5 and 6 August, before the days that count.
TRAINING = TrainingConfig(epochs=30, patience=5, min_epochs=12, learning_rate=5e-3)
ARMS = ("judged", "refit", "judged_warm", "refit_warm")
AGES = (0, 3, 7, 14)
K = 10

Gains = npt.NDArray[np.float64]


@dataclasses.dataclass
class SeedResult:
    """What a seed has given so far.

    Attributes:
        settings: What it was made with, to tell whether it may be read again.
        gains: Arm to (T,), NDCG@10 of each target, a day each.
        aged: Age in days to (T,) of the day that is so many days after the morning of the refit; None beyond the end.
        costs: Of each morning, the one before the first day too.
    """

    settings: dict[str, Any]
    gains: dict[str, list[Gains]] = dataclasses.field(default_factory=lambda: {arm: [] for arm in ARMS})
    aged: dict[int, list[Gains | None]] = dataclasses.field(default_factory=lambda: {age: [] for age in AGES})
    costs: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def days(self) -> int:
        return len(self.gains[ARMS[0]])

    def write(self, path: Path) -> None:
        """Whole, or not at all."""

        def listed(values: list[Gains | None] | list[Gains]) -> list[list[float] | None]:
            return [None if value is None else value.tolist() for value in values]

        path.parent.mkdir(parents=True, exist_ok=True)
        told = {
            "settings": self.settings,
            "gains": {arm: listed(values) for arm, values in self.gains.items()},
            "aged": {age: listed(values) for age, values in self.aged.items()},
            "costs": self.costs,
        }
        write(path, json.dumps(told))

    @classmethod
    def read(cls, path: Path) -> "SeedResult":
        told = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            told["settings"],
            {arm: [np.array(value) for value in values] for arm, values in told["gains"].items()},
            {
                int(age): [None if value is None else np.array(value) for value in values]
                for age, values in told["aged"].items()
            },
            told["costs"],
        )


class Chain:
    """The models of one seed, of the day before."""

    def __init__(self, seed: int, warm_epochs: int) -> None:
        self.training = TrainingConfig(**{**vars(TRAINING), "seed": seed})
        self.warm = TrainingConfig(
            **{**vars(self.training), "epochs": warm_epochs, "patience": warm_epochs, "min_epochs": 0}
        )
        self.before: dict[str, Any] = {}

    def morning(self, data: days_data.Morning) -> tuple[dict[str, Any], dict[str, Any]]:
        """The models of a morning by arm, and what each cost."""
        found: dict[str, Any] = {}
        costs: dict[str, Any] = {}
        for suffix, config in (("", self.training), ("_warm", self.warm)):
            judged, refit = f"judged{suffix}", f"refit{suffix}"
            is_warm = bool(suffix and self.before)
            if suffix and not is_warm:  # the first day of the chain is from scratch
                found |= {judged: found["judged"], refit: found["refit"]}
                continue
            an_epoch = steps_per_epoch(data.training, config.batch_size)
            clock = _Clock()
            with tempfile.TemporaryDirectory() as state:
                result = train(
                    *(len(data.vocabulary), data.training, data.validation, MODEL, config),
                    state_dir=state,
                    popularity=data.vocabulary.popularity(),
                    initial=self._initial(judged, data.vocabulary) if is_warm else None,
                    report=lambda _: None,
                )
            costs[judged] = {
                **clock.told(),
                "steps": len(result.history) * an_epoch,
                "best_steps": result.best_epoch * an_epoch,
                "validation": result.history[result.best_epoch - 1]["val_ndcg_p"],
            }
            clock = _Clock()
            again = train_steps(
                *(len(data.all_vocabulary), data.all_training, MODEL, config),
                Schedule(result.best_epoch * an_epoch, an_epoch),
                state_dir=None,
                popularity=data.all_vocabulary.popularity(),
                initial=self._initial(refit, data.all_vocabulary) if is_warm else None,
                report=lambda _: None,
            )
            costs[refit] = {**clock.told(), "steps": result.best_epoch * an_epoch}
            found |= {judged: (result.model, data.vocabulary), refit: (again.model, data.all_vocabulary)}
        self.before = {arm: found[arm] for arm in ("judged_warm", "refit_warm")}
        return found, costs

    def _initial(self, arm: str, vocabulary: Any) -> WarmStart:
        model, known = self.before[arm]
        return WarmStart(model, known, vocabulary)


class _Clock:
    """Seconds since it was made, by the wall and of this process' time on processors."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def told(self) -> dict[str, float]:
        return {"seconds": time.perf_counter() - self._began[0], "processor": time.process_time() - self._began[1]}


def ndcg(made: tuple[Any, Any], day: days_data.Day) -> Gains:
    """(T,), NDCG@10 of each target of a day, by a model and its catalogue."""
    model, vocabulary = made
    ranked = rank_all(of_model(model, vocabulary.popularity()), day.arrays(vocabulary, MODEL.max_length), K)
    return measures.ndcg(ranked.rank, K)


def run_seed(
    seed: int, begins: list[int], warm_epochs: int, settings: dict[str, Any], path: Path, say: Callable[[str], None]
) -> None:
    """Trains the models of a seed for the mornings of days and keeps, after each, what they found.

    Args:
        seed: Of the trainings.
        begins: When the days begin, in seconds since 1970.
        warm_epochs: Of a warm training, at most.
        settings: That are kept with the result.
        path: Of the file that is written after each day.
        say: Is told of each day.
    """
    days = days_data.Days()
    chain = Chain(seed, warm_epochs)
    result = SeedResult(settings)
    with tempfile.TemporaryDirectory() as folder:
        # The chain begins the day before.
        for number, begin in enumerate([begins[0] - days_data.DAY, *begins]):
            data = days_data.morning(days.frame, begin, Path(folder) / str(number), MODEL.max_length)
            models, costs = chain.morning(data)
            result.costs.append({"day": number, "seed": seed, **costs})
            if number == 0:
                continue
            day = days(begin)
            for arm in ARMS:
                result.gains[arm].append(ndcg(models[arm], day))
            for age in AGES:
                later = begin + age * days_data.DAY
                is_known = later <= begins[-1]
                result.aged[age].append(ndcg(models["refit"], days(later)) if is_known else None)
            result.write(path)
            liked = day.is_positive == 1
            found = "  ".join(f"{arm} {result.gains[arm][-1][liked].mean():.4f}" for arm in ARMS)
            say(f"seed {seed}, day {number} of {len(begins)}: {len(day.user)} targets, NDCG_p {found}")
