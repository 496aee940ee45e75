"""What a dislike does, as a bound of the gate: `gate.responsiveness`, and what was measured for it."""

import dataclasses
import json
import math
from typing import Any, ClassVar, Final

# Beside the results of the Evaluator, for the report.
RESULT_FILE: Final = "responsiveness.json"
# As the measures of studies have it.
METRIC: Final = "response_near"


@dataclasses.dataclass(frozen=True)
class ResponsivenessConfig:
    """What a dislike has to do to the lists of a model.

    Each disliked target of the test split becomes the newest dislike of its history, and the ten items nearest to it
    have to fall, against items that stood as high: by the logarithm to base 2 of their rank, so that 1 is to half as
    high a place. Studies have the same measure as `response_near`.

    Attributes:
        min: The mean over these targets may not be lower. A model that does not read dislikes has 0.
        targets: Looks at so many of them, at even distances; 0 for all.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    min: float
    targets: int = 1000

    def __post_init__(self) -> None:
        if not math.isfinite(self.min):
            msg = f"`gate.responsiveness.min` must be a finite number. Received: {self.min}."
            raise ValueError(msg)
        if self.targets < 0:
            msg = f"`gate.responsiveness.targets` must be 0, for all, or more. Received: {self.targets}."
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class Response:
    """What was measured.

    Attributes:
        value: The mean of `METRIC`; None where no target tells of it.
        error: Its standard error; None for fewer than two targets.
        targets: How many targets tell of it.
        copy_before, copy_after: The share of the lists that hold the very nearest item, before the dislike and after.
    """

    value: float | None
    error: float | None
    targets: int
    copy_before: float | None = None
    copy_after: float | None = None

    def holds(self, bound: ResponsivenessConfig) -> bool:
        """Whether the bound is kept; it is not where nothing tells."""
        return self.value is not None and self.value >= bound.min - 1e-9


def response_of(found: dict[str, float]) -> Response:
    """What `pnfrec_keras.evaluation.exported.responsiveness_of` found."""
    value, error, before, after = (
        None if math.isnan(found[name]) else float(found[name])
        for name in (METRIC, "error", "copy_before", "copy_after")
    )
    return Response(value, error, int(found["targets"]), before, after)


def to_json(response: Response) -> str:
    """The text of `RESULT_FILE`."""
    return json.dumps(dataclasses.asdict(response), indent=1) + "\n"


def from_json(text: str) -> Response:
    """What `to_json` wrote."""
    return Response(**json.loads(text))
