"""What a study asks for beside ranks: from what is kept of each target to measures, differences and tables."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from studies.results import further
from studies.results.ranks import Judged, Ranks, common_targets, difference, differences
from studies.results.stored import load, store
from studies.results.tables import differences_table

NAN = np.nan


def arm(near: list[list[float]], listed: list[list[float]]) -> Ranks:
    """Users u, u, v, w; the first target is liked."""
    kept = {
        "response_near": np.array(near, np.float32),
        "later_listed": np.array(listed, np.float32),
        "later_length": np.where(np.isnan(listed), NAN, 10.0).astype(np.float32),
    }
    rank = np.ones((len(near), 4), np.int64)
    users = np.array(["u", "u", "v", "w"])
    return Ranks(rank, np.array([1, 0, 0, 0]), users, np.array([4, 5, 7, 2]), kept=kept)


ONE = arm([[NAN, 2.0, 4.0, 8.0], [NAN, 1.0, 3.0, NAN]], [[1, 1, 0, NAN]] * 2)
OTHER = arm([[NAN, 0.0, 0.0, 0.0]], [[1, 0, 0, NAN]])


def doubled(arm: Ranks) -> Ranks:
    """The same of twice the users, since one liked target of one user has no interval."""
    rank, is_positive, place = (np.concatenate([each] * 2, -1) for each in (arm.rank, arm.is_positive, arm.place))
    user = np.array([*arm.user, *(f"{each}2" for each in arm.user)])
    kept = {name: np.concatenate([values] * 2, -1) for name, values in arm.kept.items()}
    return Ranks(rank, is_positive, user, place, kept=kept)


def test_measures_are_of_the_targets_that_have_a_part() -> None:
    first, second = (ONE.measures(seed, 10) for seed in (0, 1))
    assert first["response_near"] == pytest.approx(14 / 3)
    assert second["response_near"] == 2.0
    assert first["later_hr_n"] == 0.5
    assert first["later_places_n"] == pytest.approx(0.1 / 2)
    assert "response_group" not in first, "nobody kept it"
    plain = dataclasses.replace(ONE, kept={})
    assert not set(plain.measures(0, 10)) & set(further.FURTHER)


def test_differences_are_of_the_targets_that_have_a_part_by_every_training_of_both() -> None:
    found = difference([(ONE, OTHER)], "response_near", 10)
    assert found is not None
    assert found.estimate == pytest.approx((1.5 + 3.5) / 2)
    listed = difference([(ONE, OTHER)], "later_hr_n", 10)
    assert listed is not None
    assert listed.estimate == pytest.approx(1 / 2)
    places = difference([(ONE, OTHER)], "later_places_n", 10)
    assert places is not None
    assert places.estimate == pytest.approx(0.1 / 2)
    turned = difference([(OTHER, ONE)], "response_near", 10)
    assert turned is not None
    assert turned.estimate == -found.estimate


def test_what_is_kept_comes_into_the_common_order_and_polarity() -> None:
    swapped = dataclasses.replace(
        OTHER,
        rank=OTHER.rank[:, ::-1],
        is_positive=np.array([1, 0, 0, 0]),
        user=OTHER.user[::-1],
        place=OTHER.place[::-1],
        kept={name: values[:, ::-1] for name, values in ONE.kept.items()},
    )
    found = common_targets({"one": ONE, "swapped": swapped}, "swapped")
    for name in ONE.kept:
        np.testing.assert_array_equal(found["one"].kept[name], found["swapped"].kept[name])
    # By the rule of the other arm the first target of u is disliked too.
    assert found["one"].measures(0, 10)["later_hr_n"] == pytest.approx(2 / 3)


def test_stored_studies_keep_it(tmp_path: Path) -> None:
    whole = Judged({0: {"one": doubled(ONE), "other": doubled(OTHER)}}, {0: "same"})
    store(whole, tmp_path / "ranks.npz", 10)
    found = load(tmp_path / "ranks.npz")
    expected = differences(whole, "one", whole, "other", 10)
    assert {"response_near", "later_hr_p", "later_hr_n", "later_hr_delta", "later_places_p"} <= set(expected)
    assert "response_group" not in expected
    assert differences(found, "one", found, "other", 10) == expected
    text = differences_table({"one": expected}, "other")
    assert "response_near" in text
    assert "later_places_n" in text


def test_an_arm_of_a_study_that_did_not_ask_is_compared_in_the_rest() -> None:
    plain = dataclasses.replace(OTHER, kept={})
    whole = Judged({0: {"one": ONE, "plain": plain}}, {0: "same"})
    assert not set(differences(whole, "one", whole, "plain", 10)) & set(further.FURTHER)
