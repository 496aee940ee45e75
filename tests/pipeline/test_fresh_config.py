"""Settings of what becomes of a model from day to day."""

from pathlib import Path

import pytest

from pipeline.config import ConfigError, load_config
from tests.pipeline.world import write_config

CONFIG = Path(__file__).parents[2] / "configs" / "movietweetings.yaml"


@pytest.mark.parametrize(
    ("overrides", "refits"),
    [
        ([], True),
        (["training.refit=false"], False),
        (["feedback.split=leave_one_out"], False),
        (["feedback.split=leave_one_out", "training.refit=true"], True),
        (["feedback.split=column"], False),
    ],
)
def test_a_model_is_refitted_by_default_where_the_newest_rows_are_held_out(overrides: list[str], refits: bool) -> None:
    assert load_config(CONFIG, overrides).refits is refits


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.refit=maybe"], r"`training.refit`: .*bool.* Received: 'maybe'"),
        (
            ["training.from_scratch_every=-1"],
            r"`training.from_scratch_every` must be 0, for never, or more\. Received: -1",
        ),
        (["training.warm_epochs=0"], r"`training.warm_epochs` must be at least 1\. Received: 0"),
        (["training.warm_new_items=popular"], r"`training.warm_new_items`: .*'users', 'group' or 'random'"),
        (
            ["training.warm_start=true", "feedback.split=leave_one_out"],
            r"may have seen what this run holds out\. Set it to false, or split by global_time\.",
        ),
        (
            ["training.warm_start=true", "training.warm_new_items=group"],
            r"`feedback\.titles\.group` is not set, so that no item has a group\. Name the column of groups there, or "
            r"set `training\.warm_new_items: users`, which it would come to\.",
        ),
        (
            ["gate.bounds.diversity.min=0.1"],
            r"`feedback\.titles\.group` is not set, .* or take the bound on `diversity` out of `gate`",
        ),
        (["push.refit.min_overlap=2"], r"`push.refit.min_overlap` must be a share from 0, for no bound, to 1"),
    ],
)
def test_what_cannot_be_is_refused_by_key(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(CONFIG, overrides)


def test_groups_are_asked_for_where_items_have_some(tmp_path: Path) -> None:
    titles = "feedback.titles={file: titles.csv, group: genre}"
    asked = ["gate.bounds.diversity.min=0.1", "training.warm_start=true", "training.warm_new_items=group"]
    assert load_config(write_config(tmp_path), [titles, *asked]).gate.bounds_groups
    # Without a warm start nothing asks what a new item begins with.
    assert not load_config(write_config(tmp_path), ["training.warm_new_items=group"]).gate.bounds_groups


def test_a_warm_start_is_asked_for() -> None:
    training = load_config(CONFIG).training
    assert training.warm() is None
    warm = load_config(CONFIG, ["training.warm_start=true", "training.warm_epochs=2"]).training.warm()
    assert warm == {"from_scratch_every": 7, "epochs": 2, "new_items": "users", "positions": True, "norms": True}
    assert not {"refit", "warm_start"} & set(vars(training.fitting()))
