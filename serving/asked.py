"""A request that LoadedModel has read, and one that waits for the model without a thread."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from serving import jobs, rows
from serving.answers import Prediction


class Asked(NamedTuple):
    """What a request asks of the model, read and checked.

    Attributes:
        model: What answers: a signature.
        request: `rows.Rows`, or arrays where the signature joins nothing.
        rows: How many, 1 at least.
        wanted: Names and DataType numbers of the outputs to answer with.
    """

    model: Any
    request: Any
    rows: int
    wanted: Sequence[tuple[str, int]]


class Waits:
    """A request that waits for the model, or has its answer.

    Args:
        job: What the batcher runs.
        wanted: Names and types of the outputs to answer with.
    """

    def __init__(self, job: jobs.Job, wanted: Sequence[tuple[str, int]]) -> None:
        self._job = job
        self._wanted = wanted

    @property
    def places(self) -> int:
        """How many items the lists of the answer have room for; 0 where that cannot be told."""
        asked = self._job.request
        return asked.count * asked.largest_k if isinstance(asked, rows.Rows) else 0

    def answer(self, request: Any, version: int) -> Prediction:
        """The answer, once it is there.

        Args:
            request: The PredictRequest.
            version: The version that it comes from.

        Raises:
            RequestFault: As `LoadedModel.predict`.
        """
        found, asked = self._job.answer(), self._job.request
        return Prediction(request, version, asked if isinstance(asked, rows.Rows) else None, found, self._wanted)
