"""Whether what has been read of the files is kept for the next run."""

import dataclasses
from typing import Any, ClassVar, Literal


@dataclasses.dataclass(frozen=True)
class KeepReadConfig:
    """Whether the rows of each file are kept as they were read, so that the next run does not parse the file again.

    Kept rows are found again by what the file holds, by the settings that it is read by, and by the code. What comes of
    them is the same.

    Attributes:
        mode: "auto" keeps the rows where `feedback.files` has spans, "always" those of any files, "never" none.
        folder: The folder that they are kept in; "" is `artifacts/.read_state` below `output`.
        unused_days: What no run has read for that many days is removed at the end of a run.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    mode: Literal["auto", "always", "never"] = "auto"
    folder: str = ""
    unused_days: float = 7.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.unused_days < float("inf"):
            msg = f"`feedback.keep_read.unused_days` must be 0 or more and finite. Received: {self.unused_days}."
            raise ValueError(msg)
