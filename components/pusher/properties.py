"""What the Pusher says of a push: names of properties of the artifact `pushed_model`, and a warning.

What people have decided about versions (bad, pinned, labelled) is `pnfrec_core.model_marks`.
"""

import dataclasses
from typing import Final

from pnfrec_core.events import Event

# These two are of TFX's Pusher.
DESTINATION: Final = "pushed_destination"
VERSION: Final = "pushed_version"
# 1 where the run pushed that version, 0 where it was there already.
IS_NEW: Final = "is_new"
# Why a blessed model was not pushed, in a sentence for the user; absent where it was.
REFUSED: Final = "refused"
# The version that is pinned, so that it serves and not the one that was pushed; absent where none is.
PINNED: Final = "pinned"
# Which model it is, in words; absent where none was refitted.
SERVES: Final = "serves"


@dataclasses.dataclass(frozen=True)
class VersionAhead(Event):
    """A serving folder held a version that is not below the present time, and the model was pushed above it.

    Attributes:
        base: The serving folder.
        newest: The version that was there.
        version: The version that was pushed.
    """

    base: str
    newest: int
    version: int

    def __str__(self) -> str:
        return (
            f"warning: {self.base} holds version {self.newest}, which is not below the present time in seconds; pushed "
            f"as version {self.version}, since servers take the greatest"
        )
