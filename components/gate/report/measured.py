"""What the Evaluator measured, as plain numbers."""

import dataclasses

Values = dict[str, float]


@dataclasses.dataclass(frozen=True)
class SliceValues:
    """Metrics of one slice by name.

    Attributes:
        feature: Feature of the slice; `""` for all examples.
        value: Its value.
        candidate: Of the model under test.
        baseline: Of the last blessed model, None where there was none.
    """

    feature: str
    value: str
    candidate: Values
    baseline: Values | None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """An Evaluator's results.

    Attributes:
        overall: All examples together; its values are empty where the split had no example.
        slices: The other slices.
        has_baseline: Whether a baseline was evaluated.
        validation_ok: TFMA's verdict.
        failures: TFMA's failures in words.
    """

    overall: SliceValues
    slices: tuple[SliceValues, ...]
    has_baseline: bool
    validation_ok: bool
    failures: tuple[str, ...]
