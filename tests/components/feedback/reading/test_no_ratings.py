"""Feedback in which nobody rated anything."""

from pathlib import Path

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.reading.plan import make_plan
from pnfrec_core.errors import FeedbackError


def error_of(folder: Path, name: str) -> str:
    with pytest.raises(FeedbackError) as caught:
        make_plan(FeedbackConfig([name], base=str(folder)))
    return str(caught.value)


def test_feedback_without_ratings_is_told_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("user,item,timestamp\nu,i,2\n")
    message = error_of(tmp_path, "plays.csv")
    assert "no column 'value'" in message
    assert message.endswith(
        "If nobody rated anything (plays, clicks, purchases), say what counts as positive: a column of polarities "
        "(`feedback.positive: column` and `feedback.columns.polarity`), or a number to compare, such as the share of a "
        "track that was played (`feedback.columns.value` and `feedback.positive: 0.5`)."
    )
    (tmp_path / "plays.csv").write_text("user,item\nu,i\n")
    assert "If nobody rated anything" not in error_of(tmp_path, "plays.csv")
