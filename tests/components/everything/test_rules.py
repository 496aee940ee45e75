"""By which rules everything becomes training examples."""

import dataclasses
from typing import Any

from components.everything.rules import everything
from components.feedback.config import FeedbackConfig
from components.feedback.drift.config import DriftConfig

STATISTICS: dict[str, Any] = {"positive": {"rule": "median", "threshold": 7.5}}


def test_nothing_is_held_out_and_all_else_stays() -> None:
    config = FeedbackConfig(
        files=["a.csv"], positive=8.0, split_time=50, gap=5, recent_days=14.0, min_item_users=3, duplicates="last"
    )
    changed: dict[str, Any] = {"split": "none", "split_time": None, "gap": 0, "drift": DriftConfig("off")}
    assert everything(config, STATISTICS) == dataclasses.replace(config, **changed)


def test_a_median_stays_that_of_the_judged_model() -> None:
    assert everything(FeedbackConfig(files=["a.csv"]), STATISTICS).positive == 7.5
    own = FeedbackConfig(files=["a.csv"], positive="user_median")
    assert everything(own, {**STATISTICS, "positive": {"threshold": None}}).positive == "user_median"
