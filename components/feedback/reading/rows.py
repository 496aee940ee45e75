"""`RowBatch`: usable rows of one file, however they were read."""

import dataclasses

from components.feedback.reading.columns import Columns


@dataclasses.dataclass(frozen=True)
class RowBatch:
    """Usable rows in the order of one file.

    Attributes:
        columns: The rows. Their place puts batches in order, since batches do not overlap.
        read: Rows read for this batch, usable or not.
        dropped: Rows left out, by reason.
        units: Rows by the unit of their timestamp.
        zones: Rows whose date names its zone ("zoned") or does not ("naive").
        unnamed: Of those left out, the rows of kinds that no event names, by kind (`select`).
        ignored: The same of kinds that an event names as ignored.
        event: Place of the event in `feedback.events`; None without any.
    """

    columns: Columns
    read: int
    dropped: dict[str, int]
    units: dict[str, int]
    zones: dict[str, int]
    unnamed: dict[str, int] = dataclasses.field(default_factory=dict)
    ignored: dict[str, int] = dataclasses.field(default_factory=dict)
    event: int | None = None
