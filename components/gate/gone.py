"""Models whose files are gone, as one artifact: where a node has to hand on exactly one, it cannot be the models."""

import os
from collections.abc import Sequence
from typing import Any, Final

from tfx.dsl.io import fileio
from tfx.utils import io_utils

_FILE: Final = "gone.txt"


def write_places(uri: str, places: Sequence[str]) -> None:
    """Writes into an artifact where the models were."""
    io_utils.write_string_file(os.path.join(uri, _FILE), "".join(f"{place}\n" for place in places))


def places_of(artifact: Any) -> list[str]:
    """Where the models were that an artifact stands for: as it says, or itself, which is such a model."""
    path = os.path.join(artifact.uri, _FILE)
    if not fileio.exists(path):
        return [artifact.uri]
    with fileio.open(path) as stream:
        return list(stream.read().splitlines())
