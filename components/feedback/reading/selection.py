"""`Selection`: which rows of a file are of one event (`where`), as a piece of input carries it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Selection:
    """The rows that a piece gives.

    Attributes:
        column: Its column in the file.
        kinds: The values there whose rows it gives, as text.
        taken: Those of all events that read the file, if this piece counts the rows of all others; else None.
        ignored: Of those others, the ones that an event names as ignored.
    """

    column: str
    kinds: tuple[str, ...]
    taken: tuple[str, ...] | None = None
    ignored: tuple[str, ...] = ()
