"""What a version in a serving folder is: `<base>/<version>/saved_model.pb`, with a number for a name.

The Pusher, both servers and everything else that looks into a serving folder go by these rules. Standard library only.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pnfrec_core.schema import EXTRA_ASSETS

# The file of a version that is written last.
SAVED_MODEL_FILE: Final = "saved_model.pb"
# Hashes of the other files, and from TensorFlow 2.21 on a random number of each export: it tells no two models apart.
FINGERPRINT_FILE: Final = "fingerprint.pb"
# The model card, in `assets.extra/` of a version: what the model was made of and what was measured of it.
CARD_TEXT: Final = "model_card.md"
CARD_HTML: Final = "model_card.html"
# Beside it: the settings of the run, the verdict of its gate, and how the model differs from what served before it.
RUN_SETTINGS: Final = "run.yaml"
VERDICT: Final = "report.json"
REPLAY: Final = "replay.json"
# And which model was judged and which serves, where the two differ.
REFIT: Final = "refit.json"
# What a version holds of the run that pushed it, or of one export: none of it is of the model, which another run may
# push again.
OF_THE_RUN: Final = (
    *(os.path.join(EXTRA_ASSETS, name) for name in (RUN_SETTINGS, REPLAY, REFIT, VERDICT, CARD_TEXT, CARD_HTML)),
    FINGERPRINT_FILE,
)
# A version is an int64 in TensorFlow Serving's messages.
GREATEST: Final = (1 << 63) - 1


class NoVersionLeftError(ValueError):
    """A serving folder holds the greatest version that there is, so that no other can be newer."""


def version_of(name: str) -> int | None:
    """The version that a folder of this name is; None where the name is none.

    It is written in the digits 0 to 9 alone and is at most `GREATEST`. Zeros in front do not count.
    """
    if not (name.isascii() and name.isdecimal()):
        return None
    version = int(name)
    return version if version <= GREATEST else None


def by_version(names: Iterable[str]) -> dict[int, str]:
    """Those of the names that are versions, by their number.

    "7" and "007" are one version, for which the shorter name stands.
    """
    found: dict[int, str] = {}
    # The shorter name sorts last, and so it wins.
    for name in sorted(names):
        if (version := version_of(name)) is not None:
            found[version] = name
    return found


def complete_versions(base: str | os.PathLike[str]) -> dict[int, Path]:
    """The folders of a serving folder that hold a whole model, by version, the newest first; none where it is missing.

    Raises:
        OSError: The folder, or one in it, cannot be read.
    """
    if not os.path.isdir(base):
        return {}
    found = by_version(entry.name for entry in os.scandir(base) if entry.is_dir())
    folders = {version: Path(base) / found[version] for version in sorted(found, reverse=True)}
    return {version: folder for version, folder in folders.items() if (folder / SAVED_MODEL_FILE).is_file()}


def next_version(base: str, names: Iterable[str], now: int) -> int:
    """The version that a model which is pushed now gets: the present time, or the next number above all that are there.

    Args:
        base: The serving folder, for the message.
        names: Of everything in it, files and half-written versions too: their numbers are taken.
        now: Seconds since 1970.

    Raises:
        NoVersionLeftError: `GREATEST` is among them.
    """
    taken = by_version(names)
    newest = max(taken, default=-1)
    if newest == GREATEST:
        msg = (
            f"{base} holds the version {taken[newest]}, the greatest that there is, so that servers would never take a "
            "newer model. Move that folder away, or delete it if it is a mistake, and run the pipeline again: nothing "
            "was pushed."
        )
        raise NoVersionLeftError(msg)
    return max(now, newest + 1)
