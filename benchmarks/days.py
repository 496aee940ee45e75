"""What a model that is fresh every morning is worth, and what it costs: successive days of MovieTweetings.

    python -m benchmarks.days                                   # 20 days, one seed
    python -m benchmarks.days --first 2013-08-30 --days 2 --seeds 42

Each morning the rows before it go through the pipeline's own transforms. Four models are trained on them and asked for
the lists of the users who come back on that day:

    judged        trained before T, the newest tenth of the rows held out, from scratch: what was pushed without a refit
    refit         the same settings on everything, for as many steps as `judged` took to its best epoch
    judged_warm   as `judged`, from the weights of `judged_warm` of the day before, for `--warm-epochs` at most
    refit_warm    as `refit`, from the weights of `refit_warm` of the day before, for the steps of `judged_warm`

A day's judged model begins with weights that were trained before an earlier T, so that it has not seen its test rows.
The lists are those of the morning, without the items that a user had seen; every other row of the day is a target, and
an item that a model does not know is missed. Intervals are of a paired bootstrap over users, of means over seeds.
"""

import argparse
import datetime
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import days_data, measure
from pnfrec_core import measures
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.evaluation.evaluate import of_model, rank_all
from pnfrec_keras.examples.arrays import steps_per_epoch
from pnfrec_keras.training.fitting import train
from pnfrec_keras.training.refitting import Schedule, train_steps
from pnfrec_keras.training.warm import WarmStart
from studies.results.bootstrap import paired_difference

MODEL = ModelConfig(dim=32, num_blocks=1, max_length=30)
# A small network, so that 20 days fit into an hour on two cores. Its learning rate and the epochs of a warm training
# were chosen on the validation users of 5 and 6 August, before the days that count.
TRAINING = TrainingConfig(epochs=30, patience=5, min_epochs=12, learning_rate=5e-3)
ARMS = ("judged", "refit", "judged_warm", "refit_warm")
AGES = (0, 3, 7, 14)
PAIRS = (("refit", "judged"), ("refit_warm", "judged_warm"), ("judged_warm", "judged"), ("refit_warm", "refit"))
K = 10


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
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as state:
                result = train(
                    *(len(data.vocabulary), data.training, data.validation, MODEL, config),
                    state_dir=state,
                    popularity=data.vocabulary.popularity(),
                    initial=self._initial(judged, data.vocabulary) if is_warm else None,
                    report=lambda _: None,
                )
            costs[judged] = {
                "seconds": time.perf_counter() - began,
                "steps": len(result.history) * an_epoch,
                "best_steps": result.best_epoch * an_epoch,
                "validation": result.history[result.best_epoch - 1]["val_ndcg_p"],
            }
            began = time.perf_counter()
            again = train_steps(
                *(len(data.all_vocabulary), data.all_training, MODEL, config),
                Schedule(result.best_epoch * an_epoch, an_epoch),
                state_dir=None,
                popularity=data.all_vocabulary.popularity(),
                initial=self._initial(refit, data.all_vocabulary) if is_warm else None,
                report=lambda _: None,
            )
            costs[refit] = {"seconds": time.perf_counter() - began, "steps": result.best_epoch * an_epoch}
            found |= {judged: (result.model, data.vocabulary), refit: (again.model, data.all_vocabulary)}
        self.before = {arm: found[arm] for arm in ("judged_warm", "refit_warm")}
        return found, costs

    def _initial(self, arm: str, vocabulary: Any) -> WarmStart:
        model, known = self.before[arm]
        return WarmStart(model, known, vocabulary)


def ndcg(made: tuple[Any, Any], day: days_data.Day) -> npt.NDArray[np.float64]:
    """(T,), NDCG@10 of each target of a day, by a model and its catalogue."""
    model, vocabulary = made
    ranked = rank_all(of_model(model, vocabulary.popularity()), day.arrays(vocabulary, MODEL.max_length), K)
    return measures.ndcg(ranked.rank, K)


def compare(found: dict[str, list[Any]], days: list[days_data.Day]) -> list[dict[str, Any]]:
    """Differences of NDCG_p and of delta of each pair of arms, over all days, with their intervals.

    Args:
        found: Arm to (seeds, T) a day.
        days: The days.
    """
    user = np.concatenate([day.user for day in days])
    positive = np.concatenate([day.is_positive for day in days])
    gained = {arm: np.concatenate([np.mean(each, axis=0) for each in of_days]) for arm, of_days in found.items()}
    results = []
    for one, two in PAIRS:
        for name, sign in (("ndcg_p", positive.astype(float)), ("delta", np.where(positive, 1.0, -1.0))):
            interval = paired_difference(gained[one], gained[two], user, sign)
            means = [
                float(gained[arm][positive == 1].mean() - (gained[arm][positive == 0].mean() if name == "delta" else 0))
                for arm in (two, one)
            ]
            results.append({"pair": f"{one} - {two}", "measure": name, "means": means, "interval": list(interval)})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", default="2013-08-12", help="the first day that counts")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--warm-epochs", type=int, default=3)
    arguments = parser.parse_args()
    frame = days_data.rows()
    first = int(datetime.datetime.fromisoformat(f"{arguments.first}T00:00:00+00:00").timestamp())
    begins = [first + number * days_data.DAY for number in range(arguments.days)]
    chains = {seed: Chain(seed, arguments.warm_epochs) for seed in arguments.seeds}
    found: dict[str, list[Any]] = {arm: [] for arm in ARMS}
    aged: dict[int, list[Any]] = {age: [] for age in AGES}
    costs: list[dict[str, Any]] = []
    days: list[days_data.Day] = []
    with tempfile.TemporaryDirectory() as folder:
        # The chain begins the day before.
        for number, begin in enumerate([begins[0] - days_data.DAY, *begins]):
            data = days_data.morning(frame, begin, Path(folder) / str(number), MODEL.max_length)
            of_day: dict[str, list[Any]] = {arm: [] for arm in ARMS}
            ages: dict[int, list[Any]] = {age: [] for age in AGES}
            day = days_data.day(frame, begin)
            for seed, chain in chains.items():
                models, cost = chain.morning(data)
                costs.append({"day": number, "seed": seed, **cost})
                for arm in ARMS:
                    of_day[arm].append(ndcg(models[arm], day))
                for age in AGES:
                    later = begin + age * days_data.DAY
                    if later <= begins[-1]:
                        then = days_data.day(frame, later)
                        ages[age].append(float(ndcg(models["refit"], then)[then.is_positive == 1].mean()))
            if number == 0:
                continue
            days.append(day)
            for arm in ARMS:
                found[arm].append(of_day[arm])
            for age in AGES:
                aged[age].append({"day": number, "ndcg_p": ages[age]})
            results = compare(found, days)
            path = measure.store(
                "days",
                {
                    "settings": {"model": vars(MODEL), "training": vars(TRAINING), **vars(arguments)},
                    "days": len(days),
                    "targets": int(sum(len(each.user) for each in days)),
                    "results": results,
                    "costs": costs,
                    "ages": aged,
                },
            )
            measure.say(f"day {number} of {len(begins)}: {len(day.user)} targets, {results[0]['interval'][0]:+.4f}")
    measure.say(told(results, costs))
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


def told(results: list[dict[str, Any]], costs: list[dict[str, Any]]) -> str:
    """The tables."""
    rows = [
        [
            f"{each['pair']}, {each['measure']}",
            *(f"{mean:.4f}" for mean in each["means"]),
            "{:+.4f} ({:+.4f}, {:+.4f})".format(*each["interval"]),
        ]
        for each in results
    ]
    text = measure.table(["NDCG@10 of the next day", "second", "first", "difference (95 %)"], rows)
    warm = [cost for cost in costs if "judged_warm" in cost]
    rows = []
    for unit in ("seconds", "steps"):
        scratch, update = (
            np.mean([sum(cost[arm][unit] for arm in arms) for cost in warm]) for arms in (ARMS[:2], ARMS[2:])
        )
        rows.append([f"{unit} of a day", f"{scratch:.1f}", f"{update:.1f}", f"{update / scratch:.3f}"])
    return text + "\n" + measure.table(["judged and refit", "scratch", "warm", "ratio"], rows)


if __name__ == "__main__":
    main()
