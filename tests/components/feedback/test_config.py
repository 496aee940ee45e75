"""Checks of the settings, and their way through TFX."""

from typing import Any

import pytest

from components.feedback.config import ColumnsConfig, FeedbackConfig, TitlesConfig, from_json, to_json


@pytest.mark.parametrize(
    "config",
    [
        FeedbackConfig(files=["a"]),
        FeedbackConfig(
            files=["ü*.dat", "b"],
            columns=ColumnsConfig(user="Nutzer"),
            titles=TitlesConfig("t.csv", names=["item", "title"]),
            positive=3.5,
            base="/x",
        ),
    ],
)
def test_settings_survive_json(config: FeedbackConfig) -> None:
    assert from_json(to_json(config)) == config


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"files": []}, "`feedback.files` is empty: name at least one file, folder or glob."),
        (
            {"files": ["a.csv", " "]},
            "`feedback.files` has an empty path, as if the whole of `feedback.base` were meant. Received: ' '.",
        ),
        (
            {"files": ["a.csv"], "random_files": [""]},
            "`feedback.random_files` has an empty path, as if the whole of `feedback.base` were meant. Received: ''.",
        ),
        ({"delimiter": "::"}, "`feedback.delimiter` must be one character. Received: '::'. For `::` use format: dat."),
        ({"test_quantile": 1.0}, "`feedback.test_quantile` must lie between 0 and 1. Received: 1.0."),
        ({"positive": float("nan")}, "`feedback.positive` must be a finite number. Received: nan."),
        ({"shards": -1}, "`feedback.shards` must not be negative. Received: -1."),
        ({"min_positives": -1}, "`feedback.min_positives` must not be negative. Received: -1."),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        FeedbackConfig(**{"files": ["a"], **settings})
    assert str(caught.value) == message
