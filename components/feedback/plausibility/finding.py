"""A finding: something about the feedback that was looked for, with a number and a limit."""

import dataclasses

from components.feedback.plausibility.observed import Observed


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that was looked for, found or not.

    Attributes:
        name: What it is called in `statistics.json`.
        number: How many there are.
        total: Of how many.
        limit: The largest share of them that goes without a warning.
        sentence: What was found, with an example.
        remedy: What to do about it.
        leaked: How many of them training gives away, which counts against `feedback.max_leaked_targets`.
    """

    name: str
    number: float
    total: float
    limit: float
    sentence: str
    remedy: str
    leaked: int = 0

    @property
    def share(self) -> float:
        """`number` as a share of `total`."""
        return self.number / self.total if self.total else 0.0

    @property
    def above(self) -> bool:
        """Whether there are more than the limit allows."""
        return self.share > self.limit

    def as_dict(self) -> dict[str, object]:
        """The finding for `statistics.json`."""
        return {**dataclasses.asdict(self), "share": self.share, "above": self.above}


def example(seen: Observed, name: str) -> str:
    """One of what is counted, as the end of a sentence."""
    return f" (for example {seen.examples[name]})" if name in seen.examples else ""
