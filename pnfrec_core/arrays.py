"""Archives of arrays (.npz): whatever is wrong with a damaged one, and whichever library finds it, it is one error."""

import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

# What numpy and zipfile raise, depending on which bytes are wrong. RuntimeError is how an encrypted member is refused.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)


class DamagedArchiveError(ValueError):
    """The file is there and holds no archive of arrays that can be read; the message says why, without its path."""


def read_arrays(path: Path | BinaryIO) -> dict[str, npt.NDArray[Any]]:
    """All arrays of an archive that `numpy.savez` or `numpy.savez_compressed` wrote, by their names.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedArchiveError: It is cut off, damaged, encrypted, or no archive.
    """
    try:
        found = np.load(path)
        # Not by what `with` raises for an array, which differs between versions of Python.
        if not isinstance(found, np.lib.npyio.NpzFile):
            msg = "it holds a single array, not an archive of arrays"
            raise DamagedArchiveError(msg)
        with found:
            return dict(found)
    except FileNotFoundError:
        raise
    except _DAMAGE as error:
        raise DamagedArchiveError(str(error)) from error
