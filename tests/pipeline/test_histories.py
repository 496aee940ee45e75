"""What is liked and disliked is what it was to the model in its training, or no list is made."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import PipelineConfig, load_config
from pipeline.histories import UnfitConfigError, all_rows, fit_to_model


def test_the_median_is_not_worked_out_anew() -> None:
    from components.feedback.config import FeedbackConfig

    with pytest.raises(UnfitConfigError, match=r"feedback\.positive=VALUE"):
        all_rows(FeedbackConfig(files=["x.csv"]))


def model_of(tmp_path: Path, threshold: float | None, **feedback: Any) -> Path:
    """A folder with what a run writes beside a model."""
    extra = tmp_path / "of" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "config.yaml").write_text(yaml.safe_dump({"feedback": feedback}))
    (extra / "report.json").write_text(json.dumps({"blessed": True, "threshold": threshold}))
    return tmp_path / "of"


def settings(tmp_path: Path, **feedback: Any) -> PipelineConfig:
    values = {"name": "data", "output": "run", "feedback": feedback, "gate": {"bounds": {"ndcg_p": {"min": 0.0}}}}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(values))
    return load_config(tmp_path / "data.yaml")


@pytest.mark.parametrize(
    ("threshold", "positive", "found"),
    [
        (7.5, "median", 7.5),
        (7.5, 7.5, 7.5),
        (7.5, 7, "was trained with `feedback.positive: median, which was 7.5`, and this configuration says 7"),
        (7.5, "user_median", "this configuration says user_median"),
        # By a report of before it told the threshold.
        (None, 7, 7),
        (None, "column", "was trained with `feedback.positive: median`, and this configuration says column"),
    ],
)
def test_the_median_is_that_of_the_training(
    tmp_path: Path, threshold: float | None, positive: float | str, found: float | str
) -> None:
    model = model_of(tmp_path, threshold, positive="median", duplicates="all")
    config = settings(tmp_path, files=["rows.csv"], positive=positive)
    if isinstance(found, str):
        with pytest.raises(UnfitConfigError, match=re.escape(found)):
            fit_to_model(config, model)
    else:
        assert all_rows(fit_to_model(config, model).feedback).positive == found


def test_events_mean_what_they_meant_in_training(tmp_path: Path) -> None:
    own: dict[str, Any] = {"name": "stars", "files": ["stars.csv"], "column": "stars", "like_from": 0.0}
    trained = settings(tmp_path, files=[], events=[own], positive="column").feedback
    model = model_of(tmp_path, None, **dataclasses.asdict(trained))
    same = settings(tmp_path, files=[], events=[{**own, "files": ["of_today.csv"]}], positive="column")
    assert fit_to_model(same, model) == same
    for change in ({"like_from": 4.0}, {"dislike_below": 0.0}, {"column": "value"}):
        other = settings(tmp_path, files=[], events=[{**own, **change}], positive="column")
        with pytest.raises(UnfitConfigError, match=r"`feedback\.events: .*and name your files in it"):
            fit_to_model(other, model)
