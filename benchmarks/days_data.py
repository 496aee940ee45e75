"""The mornings of MovieTweetings for `benchmarks/days.py`: what is known before each, and what the day then brings."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.measure import ROOT
from components.everything.rules import everything
from components.feedback.config import FeedbackConfig
from components.feedback.run import generate
from pipeline.config import load_config
from pnfrec_core import schema
from pnfrec_keras.examples.arrays import EvaluationArrays, TrainingArrays, evaluation_arrays
from pnfrec_keras.examples.records import read_evaluation, read_training
from pnfrec_keras.examples.vocabulary import Vocabulary

DAY = 86_400


@dataclasses.dataclass(frozen=True)
class Morning:
    """What is trained on in a morning.

    Attributes:
        vocabulary, training, validation: By the split of the pipeline, its newest tenth held out.
        all_vocabulary, all_training: The same rows with nothing held out.
    """

    vocabulary: Vocabulary
    training: TrainingArrays
    validation: EvaluationArrays
    all_vocabulary: Vocabulary
    all_training: TrainingArrays


@dataclasses.dataclass(frozen=True)
class Day:
    """What users did on a day, after what they had done before its morning: T targets.

    Attributes:
        liked, seen: Histories, item ids oldest first.
        target: Item ids.
        is_positive: (T,), 1 for liked targets.
        user: (T,), numbers that are the same on all days.
    """

    liked: list[list[str]]
    seen: list[list[str]]
    target: list[str]
    is_positive: npt.NDArray[np.int64]
    user: npt.NDArray[np.int64]

    def arrays(self, vocabulary: Vocabulary, max_length: int) -> EvaluationArrays:
        """For a model of a catalogue; a target outside of it is missed."""
        return evaluation_arrays(
            *(self.liked, self.seen, self.target, self.is_positive.tolist(), vocabulary, max_length)
        )


def rows() -> pd.DataFrame:
    """All rows, oldest first, the order of equal times kept."""
    frame = pd.read_parquet(ROOT / "data" / "movietweetings" / "ratings.parquet")
    ordered: pd.DataFrame = frame.sort_values("timestamp", kind="stable").reset_index(drop=True)
    return ordered


def feedback() -> FeedbackConfig:
    """The rules of `configs/movietweetings.yaml`."""
    return load_config(ROOT / "configs" / "movietweetings.yaml").feedback


def morning(frame: pd.DataFrame, begin: int, folder: Path, max_length: int) -> Morning:
    """What the pipeline makes of the rows before `begin`, in seconds since 1970."""
    folder.mkdir(parents=True)
    frame[frame.timestamp < begin].to_parquet(folder / "ratings.parquet")
    config = dataclasses.replace(feedback(), base=str(folder), files=["ratings.parquet"], titles=None)
    statistics: dict[str, Any] = generate(config, folder / "judged")
    generate(everything(config, json.loads(json.dumps(statistics))), folder / "all")
    found: list[Any] = []
    for name in ("judged", "all"):
        vocabulary = Vocabulary.read(folder / name / "vocabulary" / schema.VOCABULARY_FILE)
        found += [vocabulary, read_training(str(folder / name / "Split-train" / "*"), vocabulary, max_length)]
    validation = read_evaluation(str(folder / "judged" / "Split-validation" / "*"), found[0], max_length)
    return Morning(found[0], found[1], validation, found[2], found[3])


class Days:
    """Days by when they begin, each made once: one is asked for again by refits of several ages."""

    def __init__(self) -> None:
        self.frame = rows()
        self._made: dict[int, Day] = {}

    def __call__(self, begin: int) -> Day:
        if begin not in self._made:
            self._made[begin] = day(self.frame, begin)
        return self._made[begin]


def day(frame: pd.DataFrame, begin: int) -> Day:
    """The rows of a day of users who have any before it, each a target after what was known in the morning."""
    threshold = float(feedback().positive)
    before = frame[frame.timestamp < begin]
    today = frame[(frame.timestamp >= begin) & (frame.timestamp < begin + DAY) & frame.user.isin(before.user)]
    histories = {user: (rows.item.tolist(), rows.value >= threshold) for user, rows in before.groupby("user")}
    numbers = {user: number for number, user in enumerate(sorted(frame.user.unique()))}
    liked, seen, target, positive, users = [], [], [], [], []
    for user, item, value in zip(today.user, today.item, today.value, strict=True):
        items, is_liked = histories[user]
        if item in items:
            continue  # what was seen is never listed again
        liked.append([each for each, good in zip(items, is_liked, strict=True) if good])
        seen.append(items)
        target.append(item)
        positive.append(int(value >= threshold))
        users.append(numbers[user])
    return Day(liked, seen, target, np.array(positive), np.array(users))
