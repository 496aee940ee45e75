"""Names of targets."""

from pathlib import Path

import pytest

from components.feedback.config import FeedbackConfig
from components.feedback.rules.caps import CapsConfig
from pnfrec_core import schema
from pnfrec_core.errors import FeedbackError
from studies.run.targets import keys_of
from tests.components.feedback import local, support
from tests.components.feedback.reference import Row

pytestmark = pytest.mark.tensorflow


def _prepared(folder: Path, history: int) -> Path:
    rows = [Row(user, f"i{place % 5}", 1.0, 1000 + place, order=place) for user in "ab" for place in range(20)]
    support.write_csv(folder / "rows.csv", rows)
    config = FeedbackConfig(
        files=[str(folder / "rows.csv")],
        positive=1,
        min_item_users=1,
        min_user_items=1,
        targets="successive",
        test_quantile=0.5,
        max_leaked_targets=1.0,
        caps=CapsConfig(history, 0),
    )
    local.generate(config, folder / "out", 100)
    return folder / "out"


def test_a_target_is_named_by_its_user_and_how_many_interactions_came_before(tmp_path: Path) -> None:
    keys = keys_of(_prepared(tmp_path, 100), schema.TEST_SPLIT)
    assert len(set(keys.user.tolist())) == 1
    assert keys.place.tolist() == list(range(int(keys.place[0]), int(keys.place[0]) + len(keys.place)))
    assert len(keys.place) == 10


def test_targets_that_a_cap_makes_alike_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match=r"9 targets cannot be told apart: .* `feedback.caps.history`"):
        keys_of(_prepared(tmp_path, 5), schema.TEST_SPLIT)
