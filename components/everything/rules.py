"""The rules under which every row is for training, and means what it meant to the model that was judged."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from components.feedback.config import FeedbackConfig
from components.feedback.drift.config import DriftConfig


def everything(feedback: FeedbackConfig, statistics: Mapping[str, Any]) -> FeedbackConfig:
    """The settings of a run with nothing held out.

    The filters look at all rows before any split, so that they keep the very same ones. A median of training values
    stays the one that the judged model was trained by: of all rows it may be another, and then a like would mean
    something else in the model that serves. Medians of users are each user's own, of all of that user's rows.

    Args:
        feedback: The settings of the run.
        statistics: `statistics.json` that FeedbackGen wrote under them.
    """
    threshold = statistics["positive"]["threshold"]
    positive = float(threshold) if feedback.positive == "median" else feedback.positive
    return dataclasses.replace(
        feedback, positive=positive, split="none", split_time=None, gap=0, drift=DriftConfig("off"), random_files=[]
    )
