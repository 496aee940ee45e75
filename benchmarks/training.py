"""Training epochs beside the peers': a plain PyTorch module of the same network, and RecTools' SASRec.

    python -m benchmarks.training            # both shapes, side by side
    python -m benchmarks.training --million  # one batch of 25,000 tokens over 1,000,000 items, ours alone
    python -m benchmarks.training --million --loss gbce  # the same with negatives

Same data, batch (500 users), width (64), precision and threads. The first epoch of each process is left out of the
median: it builds graphs; the table gives it apart.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import measure, workloads
from benchmarks.measure import Side

SHAPES = {"ML-1M shape": "movielens_1m_shape", "MovieTweetings": "movietweetings"}


def comparisons(path: str, epochs: int, dim: int, threads: int) -> list[tuple[str, list[Side]]]:
    """Name, and ours followed by the peer."""
    common = (path, "--epochs", str(epochs), "--dim", str(dim), "--threads", str(threads))
    ours = "benchmarks.train_pnfrec"
    full = [
        Side("pnfrec", ours, common, measure.KERAS),
        Side("PyTorch", "benchmarks.train_torch", common, measure.PEERS),
    ]
    positive = [
        Side("SASRec_p", ours, (*common, "--only-positive"), measure.KERAS),
        Side("RecTools", "benchmarks.train_rectools", common, measure.PEERS),
    ]
    return [("PNFRec", full), ("SASRec_p", positive)]


def compare(shape: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.npz"
        Side(shape, "benchmarks.workloads", (SHAPES[shape], str(path))).run()
        measure.say(f"{shape}: {workloads.Workload.read(path).describe()}.")
        for name, sides in comparisons(str(path), arguments.epochs, arguments.dim, arguments.threads):
            measure.say(f"{shape}, {name}:")
            runs = measure.in_turn(sides, arguments.rounds)
            found.append({"shape": shape, "model": name, "sides": [side.name for side in sides], "runs": runs})
    return found


def row(comparison: dict[str, Any]) -> list[str]:
    ours, peer = (comparison["runs"][name] for name in comparison["sides"])
    seconds = [measure.median(side, "seconds") for side in (ours, peer)]
    # In pairs, round by round: what both sides of a pair met, cancels.
    pairs = [measure.median([b], "seconds") / measure.median([a], "seconds") for a, b in zip(ours, peer, strict=True)]
    peaks = [measure.median(side, "peak_gib") for side in (ours, peer)]
    first = measure.median([{"first": run["seconds"][0]} for run in ours], "first")
    return [
        f"{comparison['shape']}, {comparison['model']}",
        f"{seconds[0]:.2f} s",
        f"{seconds[1]:.2f} s {comparison['sides'][1]}",
        f"{seconds[1] / seconds[0]:.1f}x ({min(pairs):.1f} to {max(pairs):.1f})",
        f"{peaks[0]:.2f} GiB",
        f"{peaks[1]:.2f} GiB",
        f"{peaks[0] / peaks[1]:.2f}",
        f"{first:.1f} s",
    ]


def million(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workload.npz"
        workloads.many_items(1_000_000, 25_000).write(path)
        command = (str(path), "--epochs", "2", "--dim", str(arguments.dim), "--threads", str(arguments.threads))
        run = Side("pnfrec", "benchmarks.train_pnfrec", (*command, "--loss", arguments.loss), measure.KERAS).run()
    measure.say(
        f"1,000,000 items, {arguments.loss}, one batch of 25,000 tokens, d = {arguments.dim}: "
        f"{run['seconds'][1]:.1f} s a step, loss {run['losses'][0]:.4f} then {run['losses'][1]:.4f}, "
        f"peak memory {run['peak_gib']:.2f} GiB."
    )
    measure.store("training-million" + (f"-{arguments.loss}" if arguments.loss != "softmax" else ""), run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--loss", default="softmax", help="of --million: or sampled_softmax, gbce")
    arguments = parser.parse_args()
    if arguments.million:
        million(arguments)
        return
    found = [each for shape in SHAPES for each in compare(shape, arguments)]
    header = ["data, model", "ours", "peer", "faster (pairs)", "memory", "peer's", "ratio", "our 1st epoch"]
    measure.say("\nSeconds an epoch, median:\n" + measure.table(header, [row(each) for each in found]))
    path = measure.store("training", {"comparisons": found})
    versions = sorted({run["version"] for each in found for runs in each["runs"].values() for run in runs})
    measure.say(f"{'; '.join(versions)}. Stored in {path.relative_to(measure.ROOT)}.")


if __name__ == "__main__":
    main()
