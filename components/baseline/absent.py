"""Artifacts that stand for none. A node that runs in a container has to hand on one artifact under each of its outputs;
one that has nothing to give leaves a file in it that says so, and who reads it takes it for no artifact at all.
"""

import os
from typing import Final

from tfx.dsl.io import fileio

# A file, not a property: stores of objects know no empty folders, and it goes wherever the artifact goes.
_MARK: Final = "absent.txt"


def mark_absent(uri: str, reason: str) -> None:
    """Says that the artifact at a URI stands for none, and why."""
    fileio.makedirs(uri)
    with fileio.open(os.path.join(uri, _MARK), "w") as stream:
        stream.write(reason + "\n")


def is_absent(uri: str) -> bool:
    """Whether the artifact at a URI stands for none."""
    return bool(fileio.exists(os.path.join(uri, _MARK)))
