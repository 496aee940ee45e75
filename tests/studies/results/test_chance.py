"""What the seeds say of a difference that the users make sure."""

import dataclasses

import pytest

from studies.commands.document import to_markdown
from studies.page import sentences
from studies.results.chance import may_be_chance, over_seeds
from studies.results.summary import ArmSummary
from tests.studies import made_up

FIVE: list[int | None] = [1, 2, 3, 4, 5]


def arm(name: str, values: list[float], seeds: list[int | None], **changes: object) -> ArmSummary:
    trials = [{"ndcg_p": value} for value in values]
    return dataclasses.replace(made_up.arm(name, 1, seeds=seeds), trials=trials, **changes)  # type: ignore[arg-type]


BASE = arm("base", [0.10, 0.11, 0.12, 0.10, 0.11], FIVE)


def test_the_interval_is_students_paired_by_seed() -> None:
    # Differences by seed, whatever the order: 0.01, 0.02, 0.03, 0.02, 0.02; SD 0.00707, t of 4 degrees 2.776.
    other = arm("other", [0.13, 0.11, 0.13, 0.15, 0.12], [5, 1, 2, 3, 4])
    found = over_seeds(other, BASE, "ndcg_p")
    assert found is not None
    assert found == pytest.approx((0.02, 0.01122, 0.02878), abs=1e-5)


@pytest.mark.parametrize(("freedom", "quantile"), [(20, 2.0860), (21, 2.0796), (30, 2.0423), (60, 2.0003)])
def test_many_seeds_keep_the_quantile_of_their_number(freedom: int, quantile: float) -> None:
    """By the tables of Student's t: the normal quantile would claim 6 % too narrow an interval for 22 seeds."""
    values, seeds = [0.1] * freedom + [0.1 + freedom + 1], list(range(1, freedom + 2))
    found = over_seeds(arm("many", values, [*seeds]), arm("none", [0.1] * len(seeds), [*seeds]), "ndcg_p")
    assert found is not None
    assert found.estimate == pytest.approx(1)  # of n values one differs, by n: the standard error is 1
    assert found.high - found.estimate == pytest.approx(quantile, abs=3e-4)


def test_a_baseline_is_the_same_for_every_seed() -> None:
    baseline = arm("popular", [0.05], [None])
    found, turned = over_seeds(baseline, BASE, "ndcg_p"), over_seeds(BASE, baseline, "ndcg_p")
    assert found is not None
    assert turned is not None
    assert found == pytest.approx((-0.058, -0.058 - 0.01039, -0.058 + 0.01039), abs=1e-5)
    assert turned == pytest.approx((-found.estimate, -found.high, -found.low))
    assert over_seeds(baseline, baseline, "ndcg_p") is None


def test_seeds_that_one_arm_lacks_do_not_count() -> None:
    assert over_seeds(arm("other", [0.13], [1]), BASE, "ndcg_p") is None
    found = over_seeds(arm("other", [0.13, 0.2, 0.14], [1, 9, 2]), BASE, "ndcg_p")
    assert found is not None
    assert found.estimate == pytest.approx(0.03)
    assert over_seeds(BASE, BASE, "hr_n") is None


@pytest.mark.parametrize("seeds", [[11, 12, 13], [1, 12, 13]])
def test_arms_of_two_studies_with_other_seeds_are_compared_by_their_means(seeds: list[int | None]) -> None:
    """Welch's interval: squared errors 0.01 / 3 and 0.0001 / 2, so 2.06 degrees of freedom."""
    one, two = arm("one", [0.3, 0.4, 0.5], seeds), arm("two", [0.21, 0.19], [21, 22])
    found, turned = over_seeds(one, two, "ndcg_p"), over_seeds(two, one, "ndcg_p")
    half = 4.303 * (0.01 / 3 + 0.0002 / 2) ** 0.5
    assert found == pytest.approx((0.2, 0.2 - half, 0.2 + half))
    assert turned == pytest.approx((-0.2, -0.2 - half, -0.2 + half))
    for tiny in (1e-7, 1e-8, 1e-9, 1e-10):  # the rounding of one degree of freedom is not none
        nearly = over_seeds(arm("one", [0.3, 0.5], [1, 2]), arm("two", [0.1, 0.1 + tiny], [3, 4]), "ndcg_p")
        assert nearly is not None
        assert nearly.high - nearly.estimate == pytest.approx(12.706 * 0.1, rel=1e-5)
    same = over_seeds(arm("one", [0.1, 0.1], [1, 2]), arm("two", [0.1, 0.1], [3, 4]), "ndcg_p")
    assert same == (0.0, 0.0, 0.0)


def test_a_difference_that_the_seeds_do_not_confirm_is_marked() -> None:
    sure = {"ndcg_p": made_up.differences(0.02, 0.01)["ndcg_p"]}
    steady = arm("steady", [0.12, 0.13, 0.14, 0.12, 0.13], FIVE, against=sure)
    shaky = arm("shaky", [0.05, 0.20, 0.19, 0.05, 0.15], FIVE, against=sure)
    summary = made_up.summary([BASE, steady, shaky])
    assert [may_be_chance(summary, each, "ndcg_p") for each in (steady, shaky)] == [False, True]
    assert not may_be_chance(summary, shaky, "hr_p"), "nothing is claimed of it"
    assert sentences.findings(summary) == [
        "steady: better in NDCG_p (+0.0200).",
        "shaky: better in NDCG_p (+0.0200°).",
        "° Chance of training may have made it: other users would hardly change its sign, other seeds could.",
    ]
    document = to_markdown([(summary, [], "results/small/tiny")], "results", "docs/results", "docs/results.md")
    assert "**+0.0200 \\[+0.0100, +0.0300\\]** |" in document
    assert "**+0.0200 \\[+0.0100, +0.0300\\]**° |" in document


def test_of_a_single_training_everything_may_be_chance() -> None:
    sure = {"ndcg_p": made_up.differences(0.02, 0.01)["ndcg_p"]}
    base, popular = arm("base", [0.10], [1]), arm("base", [0.05], [None], best_epochs=[])
    lone, recent = (
        arm("lone", [0.12], [1], against=sure),
        arm("recent", [0.07], [None], against=sure, best_epochs=[]),
    )
    for one, reference, chance in ((lone, base, True), (lone, popular, True), (recent, base, True)):
        assert may_be_chance(made_up.summary([reference, one]), one, "ndcg_p") is chance
    assert not may_be_chance(made_up.summary([popular, recent]), recent, "ndcg_p"), "nothing is trained"


@pytest.mark.parametrize(("seeds", "quantile"), [(21, 2.0860), (22, 2.0796), (31, 2.0423), (101, 1.9840)])
def test_many_seeds_have_students_quantile_too(seeds: int, quantile: float) -> None:
    numbers: list[int | None] = list(range(seeds))
    values = [0.01 * (place % 2) for place in range(seeds)]
    found = over_seeds(arm("one", values, numbers), arm("two", [0.0] * seeds, numbers), "ndcg_p")
    assert found is not None
    mean = sum(values) / seeds
    error = (sum((value - mean) ** 2 for value in values) / (seeds - 1) / seeds) ** 0.5
    assert (found.high - found.low) / 2 / error == pytest.approx(quantile, abs=5e-4)
