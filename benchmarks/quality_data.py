"""What the sides of `benchmarks/quality.py` and `benchmarks/peers.py` train on and are measured by.

numpy alone at import, so that a peer's environment reads the file; writing it needs the pipeline's own transforms.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.workloads import LENGTH, ROOT

IntArray = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
SETS = ("validation", "test")
# The arrays of training rows in a `Task`.
_TRAINING = ("positive", "negative", "positive_days", "negative_days", "likes")
K = 10


@dataclasses.dataclass(frozen=True)
class Targets:
    """What held-out users chose next, T examples.

    Attributes:
        liked: int32 (T, n), all likes before, oldest first, padded on the right with 0; each row has one at least.
        seen: int32 (T, m), all items before, padded with 0.
        target: int32 (T,), 0 for one that is in no training row.
        is_positive: int32 (T,), 1 for liked targets.
        user: int32 (T,), numbers of the users.
    """

    liked: IntArray
    seen: IntArray
    target: IntArray
    is_positive: IntArray
    user: IntArray

    @property
    def positive(self) -> IntArray:
        """int32 (T, LENGTH), the last likes before, padded on the right with 0."""
        return padded([row[row > 0][-LENGTH:] for row in self.liked], LENGTH)

    def gains(self, scores: npt.NDArray[np.floating[Any]], known: npt.NDArray[np.bool_] | None = None) -> Floats:
        """NDCG@10 of each example over the catalogue, seen items filtered, ties in the order of ids: (T,).

        Args:
            scores: (T, items + 1); column 0 is padding.
            known: (items + 1,): which items count; None: all.
        """
        scores = self._masked(scores, known)
        own = np.take_along_axis(scores, self.target[:, None].astype(np.int64), axis=1)
        earlier = np.arange(scores.shape[1]) < self.target[:, None]
        rank = 1 + (scores > own).sum(axis=1) + ((scores == own) & earlier).sum(axis=1)
        found = (rank <= K) & np.isfinite(own[:, 0])
        return np.where(found, 1.0 / np.log2(rank + 1), 0.0)

    def coverage(self, scores: npt.NDArray[np.floating[Any]], known: npt.NDArray[np.bool_]) -> float:
        """The share of the known items that stand in a list of 10; arguments as of `gains`."""
        best = np.argsort(-self._masked(scores, known), axis=1, kind="stable")[:, :K]
        return len(np.unique(best)) / int(known.sum())

    def _masked(self, scores: npt.NDArray[np.floating[Any]], known: npt.NDArray[np.bool_] | None) -> Floats:
        """The scores, with -inf for what is not to be listed."""
        found = np.array(scores, dtype=np.float64)
        np.put_along_axis(found, self.seen.astype(np.int64), -np.inf, axis=1)
        found[:, 0] = -np.inf
        if known is not None:
            found[:, ~known] = -np.inf
        return found

    def ndcg(self, gains: Floats) -> dict[str, float]:
        """The mean gain of each group."""
        return {name: float(gains[self.is_positive == flag].mean()) for name, flag in (("ndcg_p", 1), ("ndcg_n", 0))}


@dataclasses.dataclass(frozen=True)
class Task:
    """Training sequences, and what their models are measured by.

    Attributes:
        positive, negative: int32 (users, LENGTH + 1), training sequences, padded on the right with 0.
        positive_days, negative_days: float32, of the same shape: when each was, in days since 1970, 0 at padding.
        likes: int32 (users, n), all training likes, oldest first, padded on the right with 0.
        items: Size of the catalogue.
        targets: By the names of `SETS`.
    """

    positive: IntArray
    negative: IntArray
    positive_days: npt.NDArray[np.float32]
    negative_days: npt.NDArray[np.float32]
    likes: IntArray
    items: int
    targets: dict[str, Targets]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """(items + 1,): which items somebody likes in training. Models of likes alone know no others."""
        return np.bincount(self.likes.ravel(), minlength=self.items + 1).astype(bool) & (np.arange(self.items + 1) > 0)

    def write(self, path: Path) -> None:
        parts = {
            f"{name}_{field.name}": getattr(targets, field.name)
            for name, targets in self.targets.items()
            for field in dataclasses.fields(Targets)
        }
        own = {name: getattr(self, name) for name in (*_TRAINING, "items")}
        np.savez(path, **own, **parts)  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: str | Path) -> "Task":
        names = [field.name for field in dataclasses.fields(Targets)]
        with np.load(path) as stored:
            targets = {each: Targets(*(stored[f"{each}_{name}"] for name in names)) for each in SETS}
            training = {name: stored[name] for name in _TRAINING}
            return cls(**training, items=int(stored["items"]), targets=targets)

    def describe(self) -> str:
        counts = [f"{int(each.is_positive.sum()):,} liked targets of {name}" for name, each in self.targets.items()]
        return f"{len(self.positive):,} users, {self.items:,} items, {', '.join(counts)}"


def padded(rows: Sequence[Any], width: int | None = None, kind: Any = np.int32) -> npt.NDArray[Any]:
    """Rows of any length, padded on the right with 0, by default to the longest."""
    width = max(map(len, rows)) if width is None else width
    found: npt.NDArray[Any] = np.stack([np.pad(np.asarray(row, kind), (0, width - len(row))) for row in rows])
    return found


def movielens_1m_rows(seed: int = 0, users: int = 6_040, items: int = 3_700) -> dict[str, npt.NDArray[Any]]:
    """Columns of feedback of ML-1M's shape, in which there is something to learn.

    Activity and popularity are those of `workloads.movielens_1m_shape`. Items lie in 60 genres and stand on a line; a
    user has four favourite genres, and a third of the choices are near the last one on that line. The better an item,
    and in a favourite genre, the more likely it is liked. As in ML-1M most of a user's rows are of one day, and a fifth
    of the users come back.
    """
    generator = np.random.default_rng(seed)
    activity = np.maximum(generator.lognormal(np.log(90), 1.0, users), 20).astype(np.int64)
    activity = np.minimum(activity, items // 4)
    genres = 60
    genre = generator.integers(0, genres, items)
    place = np.argsort(np.argsort(genre, kind="stable"))  # items of a genre are neighbours on one line
    line = np.argsort(genre, kind="stable")
    weight = 1.0 / (1.0 + generator.permutation(items)) ** 0.8
    quality = generator.normal(0.0, 1.0, items)
    begin = generator.integers(0, 900 * 86_400, users)
    returns = generator.random(users) < 0.2
    columns: dict[str, list[Any]] = {"user": [], "item": [], "value": [], "timestamp": []}
    for user in range(users):
        favourite = np.isin(genre, generator.choice(genres, 4, replace=False))
        draw = np.cumsum(weight * np.where(favourite, 12.0, 1.0))
        free = np.searchsorted(draw, generator.random(activity[user]) * draw[-1])
        near = np.where(generator.random(activity[user]) < 0.35, generator.integers(1, 41, activity[user]), 0)
        chosen = _walk(free, near, line, place)
        liked = quality[chosen] + 1.5 * favourite[chosen] + generator.normal(0.3, 1.0, len(chosen)) > 0.0
        times = begin[user] + np.sort(generator.integers(0, 7_200, len(chosen)))
        if returns[user]:
            late = generator.random(len(chosen)).cumsum() / len(chosen) > 0.35
            times = np.where(late, times + generator.integers(0, 1_000 * 86_400 - begin[user]), times)
        columns["user"].append(np.full(len(chosen), user))
        columns["item"].append(chosen)
        columns["value"].append(np.where(liked, 5, 2))
        columns["timestamp"].append(times + 956_703_932)
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _walk(free: Any, near: Any, line: Any, place: Any) -> npt.NDArray[np.int64]:
    """Items in order, each once: a free choice, or a few places on from the last item."""
    taken: dict[int, None] = {}
    last = -1
    for choice, step in zip(free.tolist(), near.tolist(), strict=True):
        item = int(line[(place[last] + step) % len(line)]) if step and last >= 0 else min(choice, len(line) - 1)
        if item not in taken:
            taken[item] = None
            last = item
    return np.fromiter(taken, np.int64)


def make(shape: str) -> Task:
    """The task of a shape, by the transforms of the pipeline."""
    # Heavy, and absent where a peer runs.
    import pandas as pd

    from components.feedback.run import generate
    from pipeline.config import load_config
    from pnfrec_core import schema
    from pnfrec_keras.examples.vocabulary import Vocabulary

    with tempfile.TemporaryDirectory() as folder:
        settings = ["feedback.validation_targets=both", "feedback.targets=successive"]
        if shape == "movielens_1m":
            path = Path(folder) / "ratings.parquet"
            pd.DataFrame(movielens_1m_rows()).astype({"user": str, "item": str}).to_parquet(path)
            settings += [f"feedback.base={folder}", "feedback.files=[ratings.parquet]", "feedback.titles=null"]
        name = "ml-1m" if shape == "movielens_1m" else shape
        config = load_config(ROOT / "configs" / f"{name}.yaml", settings)
        out = Path(folder) / "feedback"
        generate(config.feedback, out, config.beam.arguments())
        index = Vocabulary.read(out / "vocabulary" / schema.VOCABULARY_FILE).index()
        training = [_histories(example, index) for example in _examples(out / "Split-train")]
        days = _days(out / "Split-train")
        targets = {each: _targets(_examples(out / f"Split-{each}"), index) for each in SETS}
    likes, dislikes = ([sides[place] for sides in training] for place in (0, 1))
    of_likes, of_dislikes = (_last(rows, np.float32) for rows in days)
    return Task(_last(likes), _last(dislikes), of_likes, of_dislikes, padded(likes), len(index), targets)


def _last(rows: Sequence[list[Any]], kind: Any = np.int32) -> npt.NDArray[Any]:
    return padded([row[-LENGTH - 1 :] for row in rows], LENGTH + 1, kind)


def _days(split: Path) -> tuple[list[list[float]], list[list[float]]]:
    """When each like and each dislike was, a row a user."""
    found: tuple[list[list[float]], list[list[float]]] = ([], [])
    for example in _examples(split):
        liked = np.array(example["history_is_positive"]) == 1
        for rows, group in zip(found, (liked, ~liked), strict=True):
            rows.append(np.array(example["history_days"])[group].tolist())
    return found


def _targets(examples: Sequence[dict[str, Any]], index: dict[str, int]) -> Targets:
    """Of users with a known like: all sides are to rank by a history."""
    histories = [_histories(example, index) for example in examples]
    kept = [place for place, (liked, _) in enumerate(histories) if liked]
    users = {example["user_id"][0]: number for number, example in enumerate(examples)}
    return Targets(
        padded([histories[place][0] for place in kept]),
        padded([histories[place][0] + histories[place][1] for place in kept]),
        np.array([index.get(examples[place]["target_item_id"][0], 0) for place in kept], np.int32),
        np.array([examples[place]["target_is_positive"][0] for place in kept], np.int32),
        np.array([users[examples[place]["user_id"][0]] for place in kept], np.int32),
    )


def _histories(example: dict[str, Any], index: dict[str, int]) -> tuple[list[int], list[int]]:
    """The known likes and dislikes, oldest first."""
    liked, disliked = (
        [index[item] for item in example[name] if item in index] for name in ("positive_item_ids", "negative_item_ids")
    )
    return liked, disliked


def _examples(split: Path) -> list[dict[str, Any]]:
    import tensorflow as tf

    found = []
    files = sorted(map(str, split.glob("*")))
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        found.append(
            {
                name: [value.decode() for value in feature.bytes_list.value]
                or list(feature.int64_list.value)
                or list(feature.float_list.value)
                for name, feature in features.items()
            }
        )
    return found


def main() -> None:
    """Writes the task of a shape to a file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("shape", choices=["movielens_1m", "movietweetings"])
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    task = make(arguments.shape)
    task.write(arguments.path)
    sys.stdout.write(json.dumps({"path": str(arguments.path), "describe": task.describe()}) + "\n")


if __name__ == "__main__":
    main()
