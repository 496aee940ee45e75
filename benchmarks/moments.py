"""A warm start that carries Adam's moments over too, beside one that carries the weights alone: validation measures.

    python -m benchmarks.moments                                           # 4 days, three seeds
    python -m benchmarks.moments --days 5 --seeds 42 43 44 45 46 --chains  # no `scratch`: a third of the time

The mornings, the network and the settings are those of `benchmarks/days.py`, on days before those that count there.
Each morning three judged models are trained and measured on that morning's validation users:

    scratch    from random weights
    weights    from the weights of `weights` of the day before, its optimizer new: what `training.warm_start` does
    moments    from the weights of `moments` of the day before, with Adam's moments and its number of steps, as they
               were at the best epoch; rows of new items have none

The chains of the last two begin with the same model from scratch, the day before.
"""

import argparse
import dataclasses
import datetime
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import days_data, measure
from benchmarks.days_chain import MODEL, TRAINING
from pnfrec_keras.config import TrainingConfig
from pnfrec_keras.examples.arrays import TrainingArrays, steps_per_epoch
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.training.build import begin, build_model
from pnfrec_keras.training.fitting import TrainingResult, fit
from pnfrec_keras.training.warm import WarmStart

ARMS = ("scratch", "weights", "moments")
PAIRS = (("moments", "weights"), ("weights", "scratch"), ("moments", "scratch"))
# Epochs that are shown apart.
FIRST = 3
_TABLE = "item_embedding"


@dataclasses.dataclass(frozen=True)
class WithMoments(WarmStart):
    """A warm start that carries the optimizer over.

    Attributes:
        state: The variables of the earlier optimizer, in their order.
    """

    state: list[Any] = dataclasses.field(default_factory=list)

    def apply(self, model: PNFRec, training_data: TrainingArrays) -> None:
        super().apply(model, training_data)
        place = self._places()
        for variable, value in zip(model.optimizer.variables, self.state, strict=True):
            if _TABLE in variable.path:
                rows = np.zeros(variable.shape, value.dtype)
                rows[place > 0] = value[place[place > 0]]
                variable.assign(rows)
            else:
                variable.assign(value)


@dataclasses.dataclass
class Made:
    """A model of a morning, its catalogue, and its optimizer after the best epoch."""

    result: TrainingResult
    vocabulary: Vocabulary
    state: list[Any]


def make(data: days_data.Morning, config: TrainingConfig, before: Made | None, moments: bool) -> Made:
    """Trains on a morning."""
    begin(config)
    steps = steps_per_epoch(data.training, config.batch_size)
    model = build_model(len(data.vocabulary), MODEL, config, steps)
    model.set_popularity(data.vocabulary.popularity())
    initial = None
    if before is not None:
        earlier = (before.result.model, before.vocabulary, data.vocabulary)
        initial = WithMoments(*earlier, state=before.state) if moments else WarmStart(*earlier)
    best: list[float] = [-1.0]
    state: list[Any] = []  # as it is after the best epoch

    def keep(epoch: int, logs: dict[str, float]) -> None:
        del epoch
        if logs["val_ndcg_p"] > best[0]:
            best[0] = logs["val_ndcg_p"]
            state[:] = [np.array(each.numpy()) for each in model.optimizer.variables]

    result = fit(
        *(model, data.training, data.validation, config),
        initial=initial,
        progress=keep,
        report=lambda _: None,
        verbose=0,
    )
    return Made(result, data.vocabulary, state)


def morning(
    data: days_data.Morning, seed: int, arguments: argparse.Namespace, before: dict[tuple[str, int], Made]
) -> dict[str, Made]:
    """The models of a morning and a seed by arm; those of the chains go into `before`."""
    scratch = dataclasses.replace(TRAINING, seed=seed)
    warm = dataclasses.replace(scratch, epochs=arguments.warm_epochs, patience=arguments.warm_epochs, min_epochs=0)
    found: dict[str, Made] = {}
    if not arguments.chains or ("weights", seed) not in before:
        found["scratch"] = make(data, scratch, None, moments=False)
    for arm in ARMS[1:]:
        begins = before.get((arm, seed))
        found[arm] = found["scratch"] if begins is None else make(data, warm, begins, arm == "moments")
        before[arm, seed] = found[arm]
    return found


def tables(runs: list[dict[str, Any]]) -> str:
    """What each arm came to, and how the arms differ on the same day with the same seed."""
    by_arm = {arm: found for arm in ARMS if (found := [run for run in runs if run["arm"] == arm])}
    best = {arm: np.array([max(run["val"]) for run in each]) for arm, each in by_arm.items()}
    rows = [
        [
            arm,
            *(f"{np.mean([run['val'][epoch] for run in each]):.4f}" for epoch in range(FIRST)),
            f"{best[arm].mean():.4f}",
            f"{np.mean([run['best'] for run in each]):.1f}",
        ]
        for arm, each in by_arm.items()
    ]
    header = ["validation NDCG@10", *(f"epoch {epoch + 1}" for epoch in range(FIRST)), "best epoch", "which"]
    text = measure.table(header, rows)
    rows = []
    for one, two in (pair for pair in PAIRS if by_arm.keys() >= set(pair)):
        apart = best[one] - best[two]
        spread = [apart.mean(), apart.std(ddof=1) if len(apart) > 1 else np.nan, apart.min(), apart.max()]
        rows.append([f"{one} - {two}", *(f"{each:+.4f}" for each in spread), f"{(apart > 0).sum()} of {len(apart)}"])
    return text + "\n" + measure.table(["best epochs, by day and seed", "mean", "sd", "least", "most", "above 0"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", default="2013-08-03", help="the first day after the one that the chains begin with")
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--warm-epochs", type=int, default=3)
    parser.add_argument("--chains", action="store_true", help="train from scratch on the first day alone")
    arguments = parser.parse_args()
    frame = days_data.rows()
    first = int(datetime.datetime.fromisoformat(f"{arguments.first}T00:00:00+00:00").timestamp())
    before: dict[tuple[str, int], Made] = {}
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        # The chains begin the day before.
        for number in range(arguments.days + 1):
            start = first + (number - 1) * days_data.DAY
            data = days_data.morning(frame, start, Path(folder) / str(number), MODEL.max_length)
            for seed in arguments.seeds:
                for arm, made in morning(data, seed, arguments, before).items():
                    val = [epoch["val_ndcg_p"] for epoch in made.result.history]
                    run = {"day": number, "seed": seed, "arm": arm, "best": made.result.best_epoch, "val": val}
                    if number:
                        runs.append(run)
            if number:
                path = measure.store("moments", {"settings": vars(arguments), "runs": runs})
                measure.say(f"day {number} of {arguments.days}: {len(data.validation)} targets\n{tables(runs)}")
    measure.say(f"Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
