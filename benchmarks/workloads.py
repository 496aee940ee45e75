"""Seeded training sequences for the benchmarks. numpy only: ours and the peers read the same files.

The ML-1M shape has what was seen of MovieLens-1M under the paper's protocol at threshold 4: 6,000 users, 3,416 items,
77 % of the positive and 58 % of the negative positions real at L = 50. MovieTweetings is the shipped data itself.
"""

import dataclasses
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

LENGTH = 50
ROOT = Path(__file__).resolve().parents[1]

IntArray = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Workload:
    """Training sequences as a model reads them.

    Attributes:
        positive, negative: int32 (users, LENGTH + 1), padded on the right with 0.
        items: Size of the catalogue.
    """

    positive: IntArray
    negative: IntArray
    items: int

    def write(self, path: Path) -> None:
        np.savez(path, positive=self.positive, negative=self.negative, items=self.items)

    @classmethod
    def read(cls, path: str | Path) -> "Workload":
        with np.load(path) as stored:
            return cls(stored["positive"], stored["negative"], int(stored["items"]))

    def describe(self) -> str:
        real = [(side[:, 1:] > 0).mean() for side in (self.positive, self.negative)]
        return (
            f"{len(self.positive):,} users, {self.items:,} items, {real[0]:.0%} of the positive and {real[1]:.0%} of "
            "the negative positions real"
        )


def movielens_1m_shape(seed: int = 0, users: int = 6_000, items: int = 3_416) -> Workload:
    """Log-normal activity (median 90 ratings, at least 20), a positive share of each user, Zipf popularity."""
    generator = np.random.default_rng(seed)
    activity = np.maximum(generator.lognormal(np.log(90), 1.0, users), 20).astype(np.int64)
    share = generator.beta(4, 2.3, users)
    liked = generator.binomial(activity, share)
    weights = 1.0 / np.arange(1, items + 1) ** 0.8
    cumulated = np.cumsum(weights / weights.sum())
    sides = []
    for counts in (liked, activity - liked):
        lengths = np.minimum(counts, LENGTH + 1)
        drawn = np.minimum(np.searchsorted(cumulated, generator.random((users, LENGTH + 1))), items - 1) + 1
        sides.append(np.where(np.arange(LENGTH + 1) < lengths[:, np.newaxis], drawn, 0).astype(np.int32))
    return Workload(sides[0], sides[1], items)


def many_items(items: int, tokens: int, seed: int = 0) -> Workload:
    """Full sequences over a large catalogue: one batch of `tokens` real positions, half of them positive."""
    generator = np.random.default_rng(seed)
    users = tokens // (2 * LENGTH)
    sides = [generator.integers(1, items + 1, (users, LENGTH + 1)).astype(np.int32) for _ in range(2)]
    return Workload(sides[0], sides[1], items)


def movietweetings() -> Workload:
    """The shipped feedback through our own transforms, as `configs/movietweetings.yaml` sets them."""
    # Heavy, and absent where a peer runs.
    from components.feedback.run import generate
    from pipeline.config import load_config
    from pnfrec_core import schema
    from pnfrec_keras.examples.records import read_training
    from pnfrec_keras.examples.vocabulary import Vocabulary

    config = load_config(ROOT / "configs" / "movietweetings.yaml")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "feedback"
        generate(config.feedback, out, config.beam.arguments())
        vocabulary = Vocabulary.read(out / "vocabulary" / schema.VOCABULARY_FILE)
        arrays = read_training(str(out / "Split-train" / "*"), vocabulary, LENGTH)
    return Workload(arrays.positive, arrays.negative, len(vocabulary))


def main() -> None:
    """Writes the workload named by the first argument to the file named by the second."""
    make, path = {"movielens_1m_shape": movielens_1m_shape, "movietweetings": movietweetings}[sys.argv[1]], sys.argv[2]
    make().write(Path(path))
    sys.stdout.write(json.dumps({"path": path}) + "\n")


if __name__ == "__main__":
    main()
