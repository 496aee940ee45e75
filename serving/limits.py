"""What a server takes at once. Each limit is looked at before memory is taken for a request."""

import dataclasses
import functools
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a server, and how many rows and calls the model takes at a time.

    Beyond `max_concurrent` and `max_waiting_rows` a call is RESOURCE_EXHAUSTED, at once; beyond `max_rows`,
    `max_columns`, `max_k` and `max_items` it is INVALID_ARGUMENT.

    Attributes:
        max_concurrent: Calls that run or wait. What waits longer than its deadline was work for nothing, so that more
            calls than are answered in time are better refused.
        max_rows: Users of a request.
        max_columns: Items of a row of a request, in each of its lists.
        max_k: Items that one row may ask for.
        max_items: Items that one request may ask for in all: its rows times the largest `k`. It bounds the memory of an
            answer, and its length.
        max_waiting_rows: Rows of all calls that wait for the model.
        batch_rows: Rows that the model ranks at a time, of one call or several. It bounds what a small call waits for
            behind a large one, and the memory that ranking takes: some 0.1 MB a row.
        model_runs: How many such batches run at once. More use more processors, for smaller batches.
        model_threads: Processors that one run may use; a large catalogue gains by more.
    """

    # Of a YAML file, no key is passed over.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    max_concurrent: int = 128
    max_rows: int = 4096
    max_columns: int = 10_000
    max_k: int = 10_000
    max_items: int = 2**22
    max_waiting_rows: int = 8192
    batch_rows: int = 64
    model_runs: int = 1
    model_threads: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                msg = f"`{field.name}` must be at least 1. Received: {getattr(self, field.name)}."
                raise ValueError(msg)

    def check_inputs(self, inputs: Any) -> None:
        """Raises a RequestFault for an input with more rows or columns than the limits allow, by what it declares."""
        for name in inputs:
            for dim, (most, what, flag) in zip(inputs[name].tensor_shape.dim, self._axes, strict=False):
                if dim.size > most:
                    msg = (
                        f"Input `{name}` has {dim.size} {what}; this server takes {most} (`--{flag}`). Send fewer at a "
                        "time."
                    )
                    raise _fault(msg)

    @functools.cached_property
    def _axes(self) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
        return (self.max_rows, "rows", "max-rows"), (self.max_columns, "columns", "max-columns")

    def check_k(self, most: int, rows: int) -> None:
        """Raises a RequestFault where a row asks for more items than `max_k`, or `rows` of them for too many in all."""
        if most > self.max_k:
            msg = f"Input `k` asks for {most} items; this server gives {self.max_k} (`--max-k`). Ask for fewer."
            raise _fault(msg)
        if most * rows > self.max_items:
            msg = (
                f"{rows} rows of {most} items each are {rows * most}; this server gives {self.max_items} in one answer "
                "(`--max-items`). Ask for fewer rows at a time, or by a smaller `k`."
            )
            raise _fault(msg)


def _fault(text: str) -> Exception:
    from serving import errors  # not above: the command's help needs the names and defaults alone

    return errors.RequestFault(errors.INVALID_ARGUMENT, text)
