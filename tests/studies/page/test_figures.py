"""What stands in the pictures, read back from their artists."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from studies.page import bars, curves, forest, grid, histograms, style, tradeoff
from tests.studies import made_up


def test_bars_are_means_with_sd_and_one_colour_an_arm() -> None:
    summary = made_up.two_arms()
    figure = bars.bars(summary)
    for measure, axes in zip(bars.MEASURES, figure.axes, strict=False):
        widths: list[Any] = [bar.get_width() for bar in axes.patches]  # type: ignore[attr-defined]
        assert widths == [arm.mean[measure] for arm in summary.arms]
        (whiskers,) = axes.collections[:1]
        low, high = whiskers.get_segments()[0][:, 0]  # type: ignore[attr-defined]
        assert (high - low) / 2 == pytest.approx(0.0014)
    colours = {tuple(axes.patches[1].get_facecolor()[:3]) for axes in figure.axes[:-1]}
    assert len(colours) == 1
    assert figure.axes[0].get_xlabel() == "higher is better"
    assert figure.axes[1].get_xlabel() == "lower is better"


def test_bars_of_one_seed_and_of_an_empty_group() -> None:
    lone = made_up.arm("base", 1, seeds=[1])
    for measure in ("ndcg_n", "ndcg_delta", "hr_n", "hr_delta"):
        del lone.mean[measure], lone.trials[0][measure]
    figure = bars.bars(made_up.summary([lone]))
    assert "no targets" in [text.get_text() for text in figure.axes[1].texts]
    assert figure.axes[0].patches[0].get_width() == lone.mean["ndcg_p"]  # type: ignore[attr-defined]


def test_a_forest_has_the_intervals_and_fills_what_excludes_zero() -> None:
    figure = forest.forest(made_up.two_arms())
    for measure, axes in zip(forest.MEASURES, figure.axes, strict=True):
        (interval,) = [each for each in axes.collections if hasattr(each, "get_segments")]
        low, high = interval.get_segments()[0][:, 0]
        assert (low, high) == pytest.approx((-0.2, 0.4) if measure == "hr_p" else (0.09, 0.11))
        (mark,) = [line for line in axes.lines if line.get_marker() not in ("None", None)]
        assert mark.get_xdata() == pytest.approx([0.1])
        assert (mark.get_markerfacecolor() == "white") == (measure == "hr_p")
        (better,) = [patch for patch in axes.patches if patch.get_width() > 0]  # type: ignore[attr-defined]
        assert (better.get_x() < 0) == measure.endswith("_n")  # type: ignore[attr-defined]


def test_a_baseline_far_away_is_an_arrow_and_does_not_set_the_scale() -> None:
    far = made_up.arm("popular", 1, seeds=[None], against=made_up.differences(-5.0, 0.1))
    near = made_up.arm("other", 1, against=made_up.differences(0.1, 0.02))
    axes = forest.forest(made_up.summary([made_up.arm("base", 1), far, near])).axes[0]
    assert axes.get_xlim()[1] == pytest.approx(1.08 * 0.12)
    assert "-5.0000" in [text.get_text() for text in axes.texts]
    assert [line.get_marker() for line in axes.lines if line.get_marker() in ("<", ">")] == ["<"]


def test_nor_does_one_whose_test_users_a_seed_drew() -> None:
    far = made_up.arm("popular", 1, best_epochs=[], against=made_up.differences(-5.0, 0.1))
    near = made_up.arm("other", 1, against=made_up.differences(0.1, 0.02))
    axes = forest.forest(made_up.summary([made_up.arm("base", 1), far, near])).axes[0]
    assert axes.get_xlim()[1] == pytest.approx(1.08 * 0.12)


def test_many_arms_have_ndcg_only() -> None:
    others = [made_up.arm(f"arm {n}", 1, against=made_up.differences(0.1, 0.2)) for n in range(forest.MANY + 1)]
    assert len(forest.forest(made_up.summary([made_up.arm("base", 1), *others])).axes) == 3


def test_a_map_has_each_cell_in_its_place() -> None:
    summary = made_up.grid()
    values = grid.table(summary, "ndcg_p")
    assert values[:, :2] == pytest.approx(np.array([[0.1, 0.2], [0.4, 0.5]]))
    assert values[0, 2] == pytest.approx(0.3)
    assert np.isnan(values[1, 2])
    assert grid.best_cell(values, "ndcg_p") == (1, 1)
    assert grid.best_cell(values, "ndcg_n") == (0, 0)
    assert grid.best_cell(np.full((2, 2), np.nan), "ndcg_p") is None
    figure = grid.heat_maps(summary, grid.MAPS[0])
    choice, axes = figure.axes[:2]
    assert [text.get_text() for text in choice.texts][:3] == ["0.0500", "0.1000", "0.1500"]
    # A star where the interval leaves zero out: in columns 1 and 2.
    assert [text.get_text() for text in axes.texts] == ["0.1000", "0.2000*", "0.3000*", "0.4000", "0.5000*", "-"]
    frames = [(patch.get_x() // 1, patch.get_y() // 1) for patch in axes.patches]  # type: ignore[attr-defined]
    assert frames == [(1, 1), (1, 1)], "chosen on validation, and the best"
    assert axes.get_xlabel() == "model.beta"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0.0", "0.5"]


def test_a_grid_of_one_key_is_lines() -> None:
    cells = [made_up.arm(f"dim {dim}", place, cell=[dim]) for place, dim in enumerate((8, 64), start=2)]
    summary = made_up.summary([made_up.arm("base", 1), *cells], grid={"model.dim": [8, 32, 64]})
    axes = grid.lines(summary).axes[0]
    assert axes.lines[0].get_xdata() == pytest.approx([0, 2])
    assert axes.lines[0].get_ydata() == pytest.approx([0.2, 0.3])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["8", "32", "64"]


def test_the_front_is_that_of_comparing_all_pairs() -> None:
    generator = np.random.default_rng(5)
    for _ in range(50):
        # Few values, so that there are ties and equal points.
        cost, gain = generator.integers(0, 6, (2, 12)).tolist()

        def beats(one: int, two: int, cost: list[int] = cost, gain: list[int] = gain) -> bool:
            as_good = cost[one] <= cost[two] and gain[one] >= gain[two]
            return as_good and (cost[one], gain[one]) != (cost[two], gain[two])

        beaten = {two for one, two in itertools.permutations(range(12), 2) if beats(one, two)}
        assert tradeoff.front(cost, gain) == [place for place in range(12) if place not in beaten]


def test_names_in_the_trade_off_do_not_cover_each_other() -> None:
    arms = [made_up.arm(f"an arm of number {n}", 1) for n in range(6)]
    for place, each in enumerate(arms):
        each.mean.update(ndcg_n=0.1 + 0.002 * place, ndcg_p=0.1 + 0.002 * (place % 2))
    figure = tradeoff.tradeoff(made_up.summary(arms, reference=arms[0].name))
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 6
    assert not [1 for one, two in itertools.combinations(boxes, 2) if one.overlaps(two)]


def test_a_crowded_trade_off_leaves_out_names_that_would_cover_others() -> None:
    summary = made_up.grid(6, 6)
    for place, arm in enumerate(summary.arms):
        # All on the front; all but the last in one corner.
        far = 0.5 if arm is summary.arms[-1] else 0.0
        arm.mean.update(ndcg_n=0.1 + 0.001 * place + far, ndcg_p=0.1 + 0.001 * place + far)
    axes = tradeoff.tradeoff(summary).axes[0]
    names = [text.get_text() for text in axes.texts]
    assert summary.reference in names
    assert 3 <= len(names) < 35
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not [1 for one, two in itertools.combinations(boxes, 2) if one.overlaps(two)]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][:7:6] == ["model.alpha 0.0", "model.beta 0"]


EPOCHS = pd.DataFrame(
    [
        ("base", 1, 1, 5.0, 0.1),
        ("base", 1, 2, 4.0, 0.3),
        ("base", 2, 1, 7.0, 0.2),
        ("base", 2, 2, 6.0, 0.2),
        ("base", 2, 3, 3.0, 0.1),
    ],
    columns=["arm", "seed", "epoch", "loss", "val_ndcg_p"],
)


def test_curves_are_means_over_the_seeds_still_training() -> None:
    found = curves.mean_curve(EPOCHS, "base", "loss")
    assert found["mean"].tolist() == [6.0, 5.0, 3.0]
    assert found["count"].tolist() == [2, 2, 1]
    figure = curves.curves(made_up.two_arms(), EPOCHS)
    loss = figure.axes[0]
    thin, whole, best = loss.lines
    assert thin.get_ydata() == pytest.approx([6.0, 5.0, 3.0])
    assert whole.get_ydata() == pytest.approx([6.0, 5.0])
    assert (list(best.get_xdata()), list(best.get_ydata())) == ([2, 2], [4.0, 6.0])  # type: ignore[arg-type]
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == [
        "Training loss, all terms",
        "Validation NDCG@10, liked targets",
    ]


def test_of_many_arms_reference_choice_and_the_best_have_curves() -> None:
    summary = made_up.grid(4, 4)
    epochs = pd.DataFrame({"arm": [arm.name for arm in summary.arms], "seed": 1, "epoch": 1, "loss": 1.0})
    drawn = [arm.name for arm in curves.drawn_arms(summary, epochs)]
    assert len(drawn) == curves.MANY
    chosen = summary.chosen()
    assert chosen is not None
    assert {summary.reference, chosen.name} <= set(drawn)


def test_histograms_count_each_user_once() -> None:
    lengths = pd.DataFrame(
        [("positive", 2, 5), ("positive", 300, 1), ("negative", 0, 4), ("negative", 1, 2)],
        columns=["polarity", "length", "users"],
    )
    figure = histograms.histograms(lengths, 50)
    positive, negative = ([bar.get_height() for bar in axes.patches] for axes in figure.axes)  # type: ignore[attr-defined]
    assert (positive[2], positive[-1], sum(positive)) == (5, 1, 6)
    assert (negative[0], negative[1], sum(negative)) == (4, 2, 6)
    assert "0 of 6 users have none, 1 more than 51" in figure.axes[0].get_title(loc="left")
    assert "4 of 6 users have none" in figure.axes[1].get_title(loc="left")


@pytest.mark.parametrize("longest", [0, 1, 2, 7, 400])
def test_bins_hold_every_length(longest: int) -> None:
    bins = histograms.edges(longest)
    assert bins[0] < 0
    assert bins[-1] > longest
    assert (np.diff(bins) >= 1).all()


def test_looks_are_distinct_and_the_reference_is_black() -> None:
    arms = [made_up.arm("base", 1), *(made_up.arm(f"arm {n}", 1) for n in range(20))]
    looks = style.looks(made_up.summary(arms))
    assert looks["base"].colour == style.REFERENCE
    assert len(set(looks.values())) == 21
    assert len(set(style.looks(made_up.grid(6, 6)).values())) == 35


def test_the_same_figure_gives_the_same_bytes() -> None:
    with style.house_style():
        first, second = (style.to_svg(forest.forest(made_up.two_arms())) for _ in range(2))
    assert first == second
