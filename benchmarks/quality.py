"""Time to quality: how long a training takes to the validation NDCG@10 that a plain PyTorch training has at its best.

    python -m benchmarks.quality                                   # both shapes, one seed
    python -m benchmarks.quality --shapes movietweetings --seeds 1 2 3

Three sides see the same sequences, each in a process of its own, one after another, on the same threads: the PNFRec of
`train_torch.py` with the settings of the paper, ours with the settings of the paper, and ours with `FASTER`. All
validate after each epoch, over the whole catalogue without seen items, and stop after ten epochs without a better one;
all time is counted from the start of the training, graphs and validation included, imports not. `FASTER` was chosen on
validation, with seed 100, which the benchmark does not use; the test half is looked at by the best weights of each.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Measured, Side

SHAPES = {"ML-1M shape": "movielens_1m", "MovieTweetings": "movietweetings"}
FASTER = ("training.learning_rate=0.003",)
PEER, PAPER, FAST = "PyTorch", "paper's settings", "faster settings"


def sides(path: str, seed: int, threads: int) -> list[Side]:
    """The peer and both of ours."""
    common = (path, "--seed", str(seed), "--threads", str(threads))
    faster = [word for setting in FASTER for word in ("--set", setting)]
    return [
        Side(PEER, "benchmarks.quality_torch", common, measure.PEERS),
        Side(PAPER, "benchmarks.quality_pnfrec", common, measure.KERAS),
        Side(FAST, "benchmarks.quality_pnfrec", (*common, *faster), measure.KERAS),
    ]


def seconds_to(run: Measured, wanted: float) -> float | None:
    """Seconds until a validation reaches a value; None where none does."""
    return next((at for at, found in zip(run["seconds"], run["validation"], strict=True) if found >= wanted), None)


def rows(shape: str, seed: int, runs: dict[str, Measured]) -> list[list[str]]:
    """A row a side: its best epoch, and how long it took to the peer's best."""
    wanted = max(runs[PEER]["validation"])
    whole = seconds_to(runs[PEER], wanted) or 0.0
    found = []
    for name, run in runs.items():
        best = max(range(len(run["validation"])), key=run["validation"].__getitem__)
        taken = seconds_to(run, wanted)
        ratio = (
            "not reached"
            if taken is None
            else f"{taken:.0f} s"
            if name == PEER
            else f"{taken:.0f} s, 1/{whole / taken:.1f}"
        )
        test = run["test"]
        found.append(
            [
                f"{shape}, seed {seed}, {name}",
                f"{run['validation'][best]:.4f} at {best + 1}",
                f"{run['seconds'][best]:.0f} s",
                ratio,
                f"{test['ndcg_p']:.4f}",
                f"{test['ndcg_p'] - test['ndcg_n']:.4f}",
            ]
        )
    return found


def overall(found: Sequence[dict[str, Any]]) -> list[list[str]]:
    """A row a shape and side: how long it took to the best that the peer reaches, both at the mean of the seeds.

    Of one seed, the best of some thirty validations is a good one by luck, too, so that it may never be met again.
    """
    lines = []
    for shape in dict.fromkeys(each["shape"] for each in found):
        runs = [each["runs"] for each in found if each["shape"] == shape]
        curves = {name: _mean_curve([run[name] for run in runs]) for name in runs[0]}
        wanted = max(curves[PEER]["validation"])
        whole = seconds_to(curves[PEER], wanted) or 0.0
        for name, curve in curves.items():
            taken = seconds_to(curve, wanted)
            test = statistics.mean(run[name]["test"]["ndcg_p"] for run in runs)
            reached = ["not reached", ""] if taken is None else [f"{taken:.0f} s", f"1/{whole / taken:.1f}"]
            lines.append([f"{shape}, {name}", f"{max(curve['validation']):.4f}", *reached, f"{test:.4f}"])
    return lines


def _mean_curve(runs: Sequence[Measured]) -> Measured:
    """Validation and seconds after each epoch that all runs have."""
    return {
        name: [statistics.mean(values) for values in zip(*(run[name] for run in runs), strict=False)]
        for name in ("validation", "seconds")
    }


def compare(shape: str, seeds: Sequence[int], threads: int) -> list[dict[str, Any]]:
    """The runs of a shape, seed by seed."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "task.npz")
        made = Side(shape, "benchmarks.quality_data", (SHAPES[shape], path)).run()
        measure.say(f"{shape}: {made['describe']}.")
        for seed in seeds:
            runs = {}
            for side in sides(path, seed, threads):
                measure.say(f"  seed {seed}: {side.name} ...")
                runs[side.name] = side.run()
            found.append({"shape": shape, "seed": seed, "runs": runs})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES.values()), default=list(SHAPES.values()))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    found: list[dict[str, Any]] = []
    for shape, name in SHAPES.items():
        if name in arguments.shapes:
            found += compare(shape, arguments.seeds, arguments.threads)
            path = measure.store("quality", {"faster": FASTER, "comparisons": found})  # what is there, if it is cut off
    header = ["data, seed, side", "best validation NDCG_p", "after", "to the peer's best", "test NDCG_p", "delta"]
    lines = [line for each in found for line in rows(each["shape"], each["seed"], each["runs"])]
    measure.say("\n" + measure.table(header, lines))
    if len(arguments.seeds) > 1:
        header = ["mean of the seeds: data, side", "best validation NDCG_p", "to the peer's best", "", "test NDCG_p"]
        measure.say("\n" + measure.table(header, overall(found)))
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
