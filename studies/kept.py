"""What a trial left, read again: a file that a power cut or a hand has damaged is one error, which names the remedy."""

import json
from pathlib import Path
from typing import Any

from pnfrec_core.arrays import DamagedArchiveError, read_arrays
from studies.outputs import TRIAL_RANKS, TRIAL_RESULT


class DamagedTrialError(ValueError):
    """A file of a trial that cannot be read; the message names its folder and the remedy."""


def read_result(folder: Path) -> dict[str, Any]:
    """What `result.json` of a trial holds.

    Raises:
        DamagedTrialError: It is no JSON object.
        FileNotFoundError: The trial is not done.
    """
    try:
        found = json.loads((folder / TRIAL_RESULT).read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(folder, TRIAL_RESULT, str(error)) from error
    if not isinstance(found, dict) or "arm" not in found:
        raise _damaged(folder, TRIAL_RESULT, "it names no arm")
    return found


def read_ranks(folder: Path) -> dict[str, Any]:
    """The arrays of `trial_ranks.npz` of a trial.

    Raises:
        DamagedTrialError: It is missing, or no archive of arrays.
    """
    try:
        return read_arrays(folder / TRIAL_RANKS)
    except (FileNotFoundError, DamagedArchiveError) as error:
        raise _damaged(folder, TRIAL_RANKS, str(error)) from error


def _damaged(folder: Path, name: str, reason: str) -> DamagedTrialError:
    return DamagedTrialError(
        f"{folder / name}: the file is damaged ({reason}). Remove {folder} and run the study again, which makes this "
        "trial anew."
    )
