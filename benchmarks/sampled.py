"""What the sampled losses cost in quality: validation NDCG@10 on MovieTweetings, beside the exact softmax.

    python -m benchmarks.sampled                            # all losses, three seeds
    python -m benchmarks.sampled --seeds 42 --only gbce256  # a part of them

Data and settings are those of `configs/movietweetings.yaml`, but for the loss. Each figure is that of the best epoch on
the validation users, over whose ranking early stopping decides; the test users are never looked at. The same seed gives
all losses the same first weights and batches, so that differences are taken seed by seed.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Measured, Side

LOSSES = {
    "softmax": ("loss=softmax",),
    "sampled_softmax256": ("loss=sampled_softmax", "sampled_items=256"),
    "sampled_softmax1024": ("loss=sampled_softmax", "sampled_items=1024"),
    "gbce256": ("loss=gbce", "sampled_items=256"),
    "gbce1024": ("loss=gbce", "sampled_items=1024"),
}
BASELINE = "softmax"


def write_feedback(folder: Path) -> None:
    """The shipped feedback through our own transforms, as the pipeline does it."""
    from components.feedback.run import generate
    from pipeline.config import load_config

    config = load_config(measure.ROOT / "configs" / "movietweetings.yaml")
    generate(config.feedback, folder, config.beam.arguments())


def sides(folder: Path, names: Sequence[str], seed: int, threads: int) -> list[Side]:
    found = []
    for name in names:
        settings = [f"training.seed={seed}", *(f"model.{setting}" for setting in LOSSES[name])]
        overrides = [word for setting in settings for word in ("--set", setting)]
        command = (str(folder), "--threads", str(threads), *overrides)
        found.append(Side(name, "benchmarks.train_quality", command))
    return found


def scores(runs: Sequence[Measured], measured: str) -> list[float]:
    return [run["best"][f"val_{measured}_p"] for run in runs]


def spread(values: Sequence[float]) -> str:
    """Mean +- SD."""
    deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):.4f} +- {deviation:.4f}"


def row(name: str, runs: Sequence[Measured], baseline: Sequence[Measured]) -> list[str]:
    ndcg = scores(runs, "ndcg")
    pairs = [one - two for one, two in zip(ndcg, scores(baseline, "ndcg"), strict=False)]
    return [
        name,
        spread(ndcg),
        spread(pairs) if pairs and name != BASELINE else "",
        spread(scores(runs, "hr")),
        f"{statistics.mean(run['best_epoch'] for run in runs):.1f}",
        f"{measure.median(runs, 'seconds'):.2f} s",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--only", nargs="+", choices=LOSSES, default=list(LOSSES))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    found: dict[str, list[Any]] = {name: [] for name in arguments.only}
    with tempfile.TemporaryDirectory() as folder:
        feedback = Path(folder) / "feedback"
        write_feedback(feedback)
        for seed in arguments.seeds:
            measure.say(f"seed {seed}:")
            for side in sides(feedback, arguments.only, seed, arguments.threads):
                measure.say(f"  {side.name} ...")
                found[side.name].append(side.run())
                # After each run, so that an interrupted benchmark leaves what it has.
                path = measure.store("sampled", {"seeds": arguments.seeds, "runs": found})
    header = ["loss", "validation NDCG@10", "minus softmax", "HR@10", "best epoch", "an epoch"]
    rows = [row(name, runs, found.get(BASELINE, [])) for name, runs in found.items()]
    measure.say("\nMean +- SD over seeds; seconds are medians:\n" + measure.table(header, rows))
    measure.say(f"{items_of(found)} items. Stored in {path.relative_to(measure.ROOT)}.")


def items_of(found: dict[str, list[Any]]) -> str:
    return f"{next(iter(found.values()))[0]['items']:,}"


if __name__ == "__main__":
    main()
