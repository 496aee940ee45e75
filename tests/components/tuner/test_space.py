"""The values that a space holds."""

from components.tuner.config import WidthSpace
from components.tuner.space import hyperparameters


def test_widths_are_multiples_of_the_heads() -> None:
    for space, expected in (
        (WidthSpace(min=8, max=24), {8, 12, 16, 20, 24}),
        (WidthSpace(min=8, max=40, log=True), {8, 16, 32}),
        (WidthSpace(values=[8, 12]), {8, 12}),
    ):
        (width,) = hyperparameters({"dim": space}, 4).space
        assert {width.random_sample(seed) for seed in range(200)} == expected
