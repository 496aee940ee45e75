"""Outside peers beside ours, on the same rows and ranked alike: quality on MovieTweetings.

    python -m benchmarks.peers                     # all sides; what is stored already is not trained again
    python -m benchmarks.peers --sides EASE ALS --seeds 1 2

Each side tries the same number of settings (`SIDES`) once, with seed 100, and keeps the one with the best NDCG@10 of
liked validation targets; the test half is looked at with it, once a seed. All see the likes of the product's own
training rows (ours the dislikes, too) and rank the items that somebody likes in training, since models of likes alone
know no others; what a user had seen is left out, and any other target is a miss for all. Intervals are of a paired
bootstrap over users, of means over seeds.
"""

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.measure import Measured, Side
from benchmarks.quality_data import Floats, Targets, Task
from studies.results.bootstrap import Interval, paired_difference

TRIALS = 4
SEED = 100
OURS = "SASRec_p"
# Fewer seeds than asked for, where no seed changes anything, and where a training takes ten minutes.
SEEDS = {"popular": 1, "EASE": 1, "item kNN": 1, "RecTools SASRec": 3, "RecTools eSASRec": 3, "RePlay SASRec": 3}
_LIGR = {"layers": "ligr", "loss": "sampled_softmax", "n_negatives": 256}
_ESASREC = ("model.variant=SASRec_p", "model.block=ligr", "model.loss=sampled_softmax", "model.sampled_items=256")
_SMALL = "training.batch_size=100"
# As in configs/movietweetings.yaml.
_SHIPPED = ["training.learning_rate=0.003", "training.average_epochs=2"]
# The model of a side, its library before a colon where there are several, "" for ours; and its settings in turn.
SIDES: dict[str, tuple[str, Sequence[Any]]] = {
    "popular": ("popular", [{}, {"last": 3}, {"last": 5}, {"last": 10}]),
    "EASE": ("EASE", [{"regularization": value} for value in (30, 100, 300, 1000)]),
    "item kNN": (
        "item kNN",
        [{"k": 50}, {"k": 200}, {"k": 50, "weighting": "counts"}, {"k": 200, "weighting": "counts"}],
    ),
    "ALS": (
        "ALS",
        [
            {"factors": factors, "regularization": penalty, "alpha": 1.0}
            for factors in (32, 64)
            for penalty in (1.0, 10.0)
        ],
    ),
    "RecTools SASRec": (
        "SASRec",
        [{"epochs": 15}, {"epochs": 30}, {"epochs": 15, "dropout_rate": 0.5}, {"epochs": 30, "dropout_rate": 0.5}],
    ),
    "RecTools eSASRec": (
        "SASRec",
        [{**_LIGR, "epochs": epochs, "dropout_rate": rate} for rate in (0.2, 0.5) for epochs in (10, 20)],
    ),
    "RePlay SASRec": (
        "replay:SASRec",
        [{"epochs": epochs, "dropout": rate} for rate in (0.3, 0.5) for epochs in (15, 30)],
    ),
    OURS: (
        "",
        [
            ["model.variant=SASRec_p", *more]
            for more in (
                [],
                [_SMALL],
                _SHIPPED,
                ["training.learning_rate=0.003", "model.dropout=0.3"],
            )
        ],
    ),
    "PNFRec": (
        "",
        [
            [],
            [_SMALL],
            _SHIPPED,
            ["training.learning_rate=0.003", "model.dropout=0.3"],
        ],
    ),
    "PNFRec with a trend": (
        "",
        [
            ["model.trend_days=14", *more]
            for more in ([], [_SMALL], _SHIPPED, ["training.learning_rate=0.003", "model.dropout=0.3"])
        ],
    ),
    "PNFRec, positions from the end": (
        "",
        [["model.positions=from_end", f"model.position_std={std}", *_SHIPPED] for std in (0.02, 0.16, 0.32, 0.64)],
    ),
    "eSASRec": (
        "",
        [
            [*_ESASREC, *more]
            for more in (
                [],
                ["model.dropout=0.5"],
                ["training.learning_rate=0.003", "model.dropout=0.3"],
                ["training.learning_rate=0.003", "model.dropout=0.5"],
            )
        ],
    ),
    "HSTU": (
        "",
        [
            ["model.variant=SASRec_p", "model.block=hstu", *more]
            for more in (
                [],
                ["model.dropout=0.3"],
                ["training.learning_rate=0.003"],
                ["training.learning_rate=0.003", "model.dropout=0.3"],
            )
        ],
    ),
    "gSASRec": (
        "",
        [
            ["model.variant=SASRec_p", "model.loss=gbce", "model.sampled_items=256", *more]
            for more in (
                [],
                ["training.learning_rate=0.003"],
                ["model.calibration=0.9"],
                ["training.learning_rate=0.003", "model.dropout=0.3"],
            )
        ],
    ),
}


_OUTSIDE = {
    "": ("benchmarks.peers_rectools", measure.PEERS),
    "replay": ("benchmarks.peers_replay", measure.REPLAY),
}


def side_of(name: str, settings: Any, seed: int, task: Path, threads: int) -> Side:
    """The process that fits a side."""
    words = ("--seed", str(seed), "--threads", str(threads))
    model, _ = SIDES[name]
    if model:
        library, _, model = model.rpartition(":")
        module, environment = _OUTSIDE[library]
        return Side(name, module, (str(task), model, json.dumps(settings), *words), environment)
    overrides = [word for setting in settings for word in ("--set", setting)]
    return Side(name, "benchmarks.quality_pnfrec", (str(task), *words, *overrides), measure.KERAS)


class Runs:
    """What has been fitted, stored after each, so that a benchmark that is cut off goes on where it was."""

    def __init__(self, task: Path, threads: int) -> None:
        self._task, self._threads = task, threads
        self._path = measure.RESULTS / "peers.json"
        self.found = self._stored()

    def _stored(self) -> dict[str, Measured]:
        if not self._path.is_file():
            return {}
        runs: dict[str, Measured] = json.loads(self._path.read_text(encoding="utf-8"))["runs"]
        return runs

    def fit(self, name: str, settings: Any, seed: int) -> Measured:
        key = f"{name}, {json.dumps(settings)}, seed {seed}"
        if key not in self.found:
            measure.say(f"  {key} ...")
            run = side_of(name, settings, seed, self._task, self._threads).run()
            hits = {each: hits_of(values) for each, values in run["gains"].items()}
            # Another benchmark of other sides may have stored some meanwhile.
            self.found = {**self._stored(), key: {"hits": hits, "coverage": run["coverage"]}}
            measure.store("peers", {"runs": self.found})
        return self.found[key]


def hits_of(gains: Sequence[float]) -> str:
    """The gains that are not 0, as `place:gain` of the targets: one target in seven has one."""
    return " ".join(f"{place}:{gain:.4g}" for place, gain in enumerate(gains) if gain)


def gains_of(run: Measured, name: str, targets: Targets) -> Floats:
    """The gain of each target of a set: (T,)."""
    gains = np.zeros(len(targets.target))
    for hit in run["hits"][name].split():
        place, gain = hit.split(":")
        gains[int(place)] = float(gain)
    return gains


def chosen(runs: Runs, name: str, targets: Targets) -> tuple[Any, float]:
    """The settings with the best validation, and its NDCG_p."""
    tried = [
        (targets.ndcg(gains_of(runs.fit(name, settings, SEED), "validation", targets))["ndcg_p"], place)
        for place, settings in enumerate(SIDES[name][1])
    ]
    value, place = max(tried, key=lambda each: (each[0], -each[1]))
    return SIDES[name][1][place], value


def compared(gains: Floats, ours: Floats, targets: Targets) -> list[Interval]:
    """The differences of NDCG_p, NDCG_n and delta."""
    user, flag = targets.user.astype(np.int64), targets.is_positive
    signs = (np.where(flag == 1, 1.0, 0.0), np.where(flag == 0, 1.0, 0.0), np.where(flag == 1, 1.0, -1.0))
    return [paired_difference(gains, ours, user, sign) for sign in signs]


def rows(found: Mapping[str, Sequence[Measured]], targets: Targets, less: str = OURS) -> list[list[str]]:
    """A row a side, of its runs by seed; the differences are from the side `less`, where it is among them."""
    gains = {name: np.array([gains_of(run, "test", targets) for run in runs]) for name, runs in found.items()}
    liked = targets.is_positive == 1
    table = []
    for name, values in gains.items():
        means = targets.ndcg(values.mean(axis=0))
        delta = means["ndcg_p"] - means["ndcg_n"]
        hits = [100 * float((values[:, group] > 0).mean()) for group in (liked, ~liked)]
        coverage = float(np.mean([run["coverage"] for run in found[name]]))
        spread = float(values[:, liked].mean(axis=1).std(ddof=1)) if len(values) > 1 else 0.0
        cells = [name, f"{means['ndcg_p']:.4f}", f"{spread:.4f}", f"{means['ndcg_n']:.4f}", f"{delta:.4f}"]
        cells += [*(f"{each:.1f}" for each in hits), f"{coverage:.2f}"]
        differences = compared(values.mean(axis=0), gains[less].mean(axis=0), targets) if less in gains else []
        if name == less:
            differences = []
        cells += [f"{each.estimate:+.4f} [{each.low:.4f}, {each.high:.4f}]" for each in differences] or [""] * 3
        table.append(cells)
    return table


HEADER = ["side", "NDCG_p", "SD of seeds", "NDCG_n", "delta", "HR_p %", "HR_n %", "coverage"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--less", choices=SIDES, default=OURS, help="the side that differences are from")
    arguments = parser.parse_args()
    if any(len(settings) != TRIALS for _, settings in SIDES.values()):
        msg = f"Each side tries {TRIALS} settings."
        raise ValueError(msg)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.npz"
        measure.say(Side("data", "benchmarks.quality_data", ("movietweetings", str(path))).run()["describe"])
        targets = Task.read(path).targets
        runs = Runs(path, arguments.threads)
        found = {}
        for name in arguments.sides:
            settings, value = chosen(runs, name, targets["validation"])
            measure.say(f"{name}: {json.dumps(settings)}, validation NDCG_p {value:.4f}")
            seeds = arguments.seeds[: SEEDS.get(name)]
            found[name] = [runs.fit(name, settings, seed) for seed in seeds]
    header = [*HEADER, *(f"{name} less {arguments.less}" for name in ("NDCG_p", "NDCG_n", "delta"))]
    measure.say("\n" + measure.table(header, rows(found, targets["test"], arguments.less)))


if __name__ == "__main__":
    main()
