"""A refitted model beside the one that was judged, before it is pushed in its place."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from components.pusher import refitted
from components.pusher.config import PushConfig, RefitBounds
from components.pusher.programs import NotServableError, Programs
from components.pusher.refitted import choose, describe
from pnfrec_core import served
from pnfrec_core.model_digest import model_digest

LISTS = {"users": 50, "k": 10, "overlap": 0.6, "new": {"listed": 90}, "old": {"listed": 100}}


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, str]:
    facts = {
        "refitted": {"items": 120, "training_users": 40, "steps": 1234},
        "judged": {"items": 100, "training_users": 30, "best_epoch": 2, "steps_per_epoch": 617, "loss": 3.0},
    }
    for name, manifest in facts.items():
        (tmp_path / name / "assets.extra").mkdir(parents=True)
        (tmp_path / name / "assets.extra" / "manifest.json").write_text(json.dumps(manifest))
    return str(tmp_path / "refitted"), str(tmp_path / "judged")


def answers(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setattr(refitted, "compare", lambda _, users, __: {**LISTS, **changes, "users": users})


def test_one_that_keeps_to_the_bounds_is_pushed(models: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    found = choose(*models, "examples", PushConfig(), Programs())
    assert found.model == models[0]
    assert found.record == {
        "serves": "refitted",
        "refitted": {"items": 120, "training_users": 40, "steps": 1234},
        "judged": {
            "items": 100,
            "training_users": 30,
            "best_epoch": 2,
            "steps_per_epoch": 617,
            # By which it is known where the version turns out to be bad.
            "digest": model_digest(models[1]),
        },
        "lists": {**LISTS, "users": 200},
        "refused": [],
    }
    assert "as many steps (1,234). It knows 120 items, the judged one 100." in found.sentence
    assert describe(found.record) == (
        "refitted on everything: 1,234 steps, 40 users (judged: 30), 120 items (judged: 100), 60 % of a list as the "
        "judged one has it"
    )


@pytest.mark.parametrize(
    ("changes", "bounds", "reason"),
    [
        (
            {"overlap": 0.19},
            {},
            "Of the lists of 200 users, 0.190 of the items stand in those of the judged one too, and "
            "`push.refit.min_overlap` is 0.2.",
        ),
        (
            {"new": {"listed": 49}},
            {},
            "The lists of 200 users hold 49 different items, 0.490 of the 100 of the judged one, and "
            "`push.refit.min_coverage` is 0.5.",
        ),
        (
            {"old_error": "OSError: gone"},
            {},
            "The judged model, which it is compared with, cannot be loaded: OSError: gone.",
        ),
    ],
)
def test_one_that_breaks_a_bound_is_refused_with_number_and_bound(
    models: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    bounds: dict[str, Any],
    reason: str,
) -> None:
    answers(monkeypatch, **changes)
    with pytest.raises(NotServableError) as error:
        choose(*models, "examples", PushConfig(refit=RefitBounds(**bounds)), Programs())
    assert str(error.value).startswith(f"The refitted model is refused, and nothing was pushed: {reason} Look at")
    # It is the judged one only where the settings say so.
    found = choose(*models, "examples", PushConfig(refit=RefitBounds(refused="judged")), Programs())
    assert (found.model, found.record["serves"], found.record["refused"]) == (models[1], "judged", [reason])
    assert found.sentence == served.JUDGED
    assert describe(found.record).endswith(f"was refused: {reason}")


def test_a_catalogue_that_shrinks_is_refused(models: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    manifest = Path(models[0], "assets.extra", "manifest.json")
    manifest.write_text(json.dumps({"items": 99, "training_users": 40, "steps": 3}))
    with pytest.raises(NotServableError, match=r"It knows 99 items, 0.990 of the 100 that the judged one knows, and"):
        choose(*models, "examples", PushConfig(), Programs())


def test_without_users_only_the_catalogue_counts(models: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, overlap=0.0)
    assert "lists" not in choose(*models, "examples", PushConfig(refit=RefitBounds(users=0)), Programs()).record
    assert "lists" not in choose(*models, "", PushConfig(), Programs()).record


@pytest.mark.parametrize("change", [{"users": -1}, {"min_overlap": 1.1}, {"min_items": -0.1}, {"min_coverage": 2.0}])
def test_bounds_are_shares(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"`push.refit.{next(iter(change))}` must be"):
        RefitBounds(**change)


def test_settings_travel_as_plain_values() -> None:
    config = PushConfig(refit=RefitBounds(min_overlap=0.5))
    assert PushConfig.from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config
    assert PushConfig.from_dict({"rehearse": False, "replay_users": 0}).refit == RefitBounds()
