"""The values that a space holds."""

from typing import Any

import pytest

from components.tuner.config import NumberSpace, WidthSpace
from components.tuner.space import combinations, hyperparameters


def test_widths_are_multiples_of_the_heads() -> None:
    for space, expected in (
        (WidthSpace(min=8, max=24), {8, 12, 16, 20, 24}),
        (WidthSpace(min=8, max=40, log=True), {8, 16, 32}),
        (WidthSpace(values=[8, 12]), {8, 12}),
    ):
        (width,) = hyperparameters({"dim": space}, 4).space
        assert {width.random_sample(seed) for seed in range(200)} == expected


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        ({"dim": WidthSpace(min=8, max=24)}, 5),
        ({"dim": WidthSpace(min=8, max=23)}, 4),
        ({"dim": WidthSpace(min=8, max=40, log=True)}, 3),
        ({"dim": WidthSpace(values=[8, 12]), "alpha": NumberSpace(values=[0.1, 0.2, 0.5])}, 6),
        ({"dim": WidthSpace(values=[8, 12]), "alpha": NumberSpace(min=0.1, max=0.5)}, None),
    ],
)
def test_how_many_combinations_there_are(spaces: dict[str, Any], expected: int | None) -> None:
    assert combinations(spaces, 4) == expected
