"""What a model that is fresh every morning is worth, and what it costs: successive days of MovieTweetings.

    python -m benchmarks.days                                   # 20 days, five seeds, two at a time
    python -m benchmarks.days --first 2013-08-30 --days 2 --seeds 42

Each morning the rows before it go through the pipeline's own transforms. Four models are trained on them and asked for
the lists of the users who come back on that day:

    judged        trained before T, the newest tenth of the rows held out, from scratch: what was pushed without a refit
    refit         the same settings on everything, for as many steps as `judged` took to its best epoch
    judged_warm   as `judged`, from the weights of `judged_warm` of the day before, for `--warm-epochs` at most
    refit_warm    as `refit`, from the weights of `refit_warm` of the day before, for the steps of `judged_warm`

A day's judged model begins with weights that were trained before an earlier T, so that it has not seen its test rows.
The lists are those of the morning, without the items that a user had seen; every other row of the day is a target, and
an item that a model does not know is missed. Intervals are of a paired bootstrap over users, of means over seeds, and
over seeds of means over days (two standard deviations of their mean).

A seed is a process of its own and keeps what it found in `benchmarks/results/days`; seeds that are there already, with
the same settings, are not trained again.
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import days_data, measure
from benchmarks.days_chain import AGES, ARMS, MODEL, TRAINING, Gains, SeedResult, run_seed
from studies.results.bootstrap import paired_difference

PAIRS = (("refit", "judged"), ("refit_warm", "judged_warm"), ("judged_warm", "judged"), ("refit_warm", "refit"))
KEPT = measure.RESULTS / "days"
# As many mornings follow one from scratch at most, by the default of `training.from_scratch_every`.
CHAIN = 6


def compare(
    found: dict[str, list[Gains]], days: list[days_data.Day], pairs: Sequence[tuple[str, str]] = PAIRS, part: str = ""
) -> list[dict[str, Any]]:
    """Differences of NDCG_p and of delta of each pair of arms, over all days, with their intervals.

    Args:
        found: Arm to (seeds, T) a day.
        days: The days.
        pairs: Of arms.
        part: What these days are of all.
    """
    user = np.concatenate([day.user for day in days])
    positive = np.concatenate([day.is_positive for day in days])
    by_seed = {arm: np.concatenate(of_days, axis=1) for arm, of_days in found.items()}
    results = []
    for one, two in pairs:
        for name, sign in (("ndcg_p", positive.astype(float)), ("delta", np.where(positive, 1.0, -1.0))):
            interval = paired_difference(by_seed[one].mean(axis=0), by_seed[two].mean(axis=0), user, sign)
            means = {arm: _measure(by_seed[arm], positive, name) for arm in (two, one)}
            apart = means[one] - means[two]
            results.append(
                {
                    "pair": f"{one} - {two}{part}",
                    "measure": name,
                    "means": [float(means[arm].mean()) for arm in (two, one)],
                    "interval": list(interval),
                    "seeds": apart.tolist(),
                }
            )
    return results


def compare_parts(found: dict[str, list[Gains]], days: list[days_data.Day]) -> list[dict[str, Any]]:
    """What warm models lose in the first days of a chain, and in those that a chain does not have by default."""
    results = []
    for part, chosen in ((f", {CHAIN} days", slice(CHAIN)), (", later", slice(CHAIN, None))):
        if days[chosen]:
            gains = {arm: of_days[chosen] for arm, of_days in found.items()}
            results += compare(gains, days[chosen], PAIRS[2:], part)
    return results


def _measure(gains: Gains, positive: npt.NDArray[np.int64], name: str) -> Gains:
    """(seeds,), NDCG_p or delta of (seeds, T)."""
    liked = gains[:, positive == 1].mean(axis=1)
    measured: Gains = liked - gains[:, positive == 0].mean(axis=1) if name == "delta" else liked
    return measured


def compare_ages(kept: list[SeedResult], days: list[days_data.Day]) -> list[dict[str, Any]]:
    """NDCG_p of a refit that is some days old beside that of the morning's own, on the same later days."""
    results = []
    for age in AGES[1:]:
        later = range(age, len(days))
        if not later:
            continue
        old = np.concatenate([_mean([each.aged[age][day - age] for each in kept]) for day in later])
        fresh = np.concatenate([_mean([each.aged[0][day] for each in kept]) for day in later])
        user = np.concatenate([days[day].user for day in later])
        positive = np.concatenate([days[day].is_positive for day in later])
        results.append(
            {
                "age": age,
                "days": len(later),
                "means": [float(gains[positive == 1].mean()) for gains in (fresh, old)],
                "interval": list(paired_difference(old, fresh, user, positive.astype(float))),
            }
        )
    return results


def _mean(gains: list[Gains | None]) -> Gains:
    """(T,), over seeds."""
    mean: Gains = np.mean([each for each in gains if each is not None], axis=0)
    return mean


def train_seeds(arguments: argparse.Namespace, seeds: list[int]) -> None:
    """Trains each in a process of its own, `--jobs` at a time, a processor each.

    Raises:
        RuntimeError: One failed.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if arguments.jobs > 1:
        environment |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

    def start(seed: int) -> int:
        command = [sys.executable, "-m", "benchmarks.days", *sys.argv[1:], "--one", str(seed)]
        return subprocess.run(command, cwd=measure.ROOT, env=environment, check=False).returncode

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        codes = dict(zip(seeds, pool.map(start, seeds), strict=True))
    failed = [seed for seed, code in codes.items() if code]
    if failed:
        msg = f"Seeds {failed} failed; see what they printed above. Run the same command again to go on with them."
        raise RuntimeError(msg)


def is_kept(path: Path, settings: dict[str, Any], days: int) -> bool:
    if not path.exists():
        return False
    kept = SeedResult.read(path)
    return kept.settings == settings and kept.days == days


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", default="2013-08-12", help="the first day that counts")
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44, 45, 46])
    parser.add_argument("--warm-epochs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="seeds that are trained at a time")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    first = int(datetime.datetime.fromisoformat(f"{arguments.first}T00:00:00+00:00").timestamp())
    begins = [first + number * days_data.DAY for number in range(arguments.days)]
    settings = {"model": vars(MODEL), "training": vars(TRAINING)}
    settings |= {name: getattr(arguments, name) for name in ("first", "days", "warm_epochs")}
    path = "seed-{}.json"
    if arguments.one is not None:
        of_one = KEPT / path.format(arguments.one)
        run_seed(arguments.one, begins, arguments.warm_epochs, settings, of_one, measure.say)
        return
    settings = json.loads(json.dumps(settings))
    missing = [seed for seed in arguments.seeds if not is_kept(KEPT / path.format(seed), settings, arguments.days)]
    if missing:
        train_seeds(arguments, missing)
    kept = [SeedResult.read(KEPT / path.format(seed)) for seed in arguments.seeds]
    frame = days_data.rows()
    days = [days_data.day(frame, begin) for begin in begins]
    found = {arm: [np.stack([each.gains[arm][day] for each in kept]) for day in range(len(days))] for arm in ARMS}
    results, ages = [*compare(found, days), *compare_parts(found, days)], compare_ages(kept, days)
    costs = [cost for each in kept for cost in each.costs]
    values = {"settings": settings, "seeds": arguments.seeds, "targets": sum(len(day.user) for day in days)}
    stored = measure.store("days", {**values, "results": results, "ages": ages, "costs": costs})
    measure.say(told(results, ages, costs))
    measure.say(f"Stored in {stored.relative_to(measure.ROOT)}.")


def told(results: list[dict[str, Any]], ages: list[dict[str, Any]], costs: list[dict[str, Any]]) -> str:
    """The tables."""
    rows = []
    for each in results:
        apart = np.array(each["seeds"])
        error = 2 * apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.nan
        interval = "{:+.4f} ({:+.4f}, {:+.4f})".format(*each["interval"])
        means = (f"{mean:.4f}" for mean in each["means"])
        rows.append([f"{each['pair']}, {each['measure']}", *means, interval, f"+- {error:.4f}"])
    header = ["NDCG@10 of the next day", "second", "first", "difference (95 % over users)", "over seeds"]
    text = measure.table(header, rows)
    rows = [
        [
            f"{each['age']} days old ({each['days']} days)",
            *(f"{mean:.4f}" for mean in each["means"]),
            "{:+.4f} ({:+.4f}, {:+.4f})".format(*each["interval"]),
        ]
        for each in ages
    ]
    text += "\n" + measure.table(["refit, NDCG_p", "of the morning", "old", "difference (95 %)"], rows)
    warm = [cost for cost in costs if "judged_warm" in cost]
    rows = []
    for unit in ("seconds", "processor", "steps"):
        scratch, update = (
            np.mean([sum(cost[arm][unit] for arm in arms) for cost in warm]) for arms in (ARMS[:2], ARMS[2:])
        )
        rows.append([f"{unit} of a day", f"{scratch:.1f}", f"{update:.1f}", f"{update / scratch:.3f}"])
    return text + "\n" + measure.table(["judged and refit", "scratch", "warm", "ratio"], rows)


if __name__ == "__main__":
    main()
