"""What a server takes at once. Each limit is looked at before memory is taken for a request."""

import dataclasses
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of a server. Beyond `max_concurrent` a call is RESOURCE_EXHAUSTED, at once; the others are faults.

    Attributes:
        max_concurrent: Calls that run or wait. What waits longer than its deadline was work for nothing, so that more
            calls than are answered in time are better refused.
        max_rows: Users of a request. A row takes some 0.1 MB while it is ranked.
        max_columns: Items of a row of a request, in each of its lists.
    """

    # Of a YAML file, no key is passed over.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    max_concurrent: int = 128
    max_rows: int = 4096
    max_columns: int = 10_000

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                msg = f"`{field.name}` must be at least 1. Received: {getattr(self, field.name)}."
                raise ValueError(msg)

    def check_inputs(self, inputs: Any) -> None:
        """Raises a RequestFault for an input with more rows or columns than the limits allow, by what it declares."""
        from serving import errors, wire  # not above: the command's help needs the names and defaults alone

        for name in sorted(inputs):
            shape = wire.shape_of(inputs[name].tensor_shape) or ()
            for size, what, setting in zip(shape, ("rows", "columns"), ("max_rows", "max_columns"), strict=False):
                most = getattr(self, setting)
                if size > most:
                    flag = setting.replace("_", "-")
                    msg = (
                        f"Input `{name}` has {size} {what}; this server takes {most} (`--{flag}`). Send fewer at a "
                        "time."
                    )
                    raise errors.RequestFault(errors.INVALID_ARGUMENT, msg)
