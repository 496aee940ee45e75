"""The ranks of a study in one small file, from which all its differences, and those of any two arms, can be had again.

It holds no id: users are numbers, in the order of their ids, and a digest tells whether two studies have the same
targets.
"""

import io
from pathlib import Path

import numpy as np

from pnfrec_core.arrays import read_arrays
from pnfrec_core.files import write
from studies.results.further import KEPT
from studies.results.ranks import Judged, Ranks, ResultError

# Ranks beyond this one, and beyond the list, are kept as misses: most of the file would be noise.
DEEPEST = 100


def store(ranks: Judged, path: Path, k: int) -> None:
    """Writes the file; the same ranks give the same bytes.

    Args:
        ranks: Of the study.
        path: Of the file.
        k: Length of the list: how deep ranks have to be known at least.
    """
    deepest = max(DEEPEST, k)
    kind = np.min_scalar_type(deepest)
    users = np.unique(np.concatenate([_first(arms).user for arms in ranks.draws.values()]))
    arrays = {"arms": np.array(ranks.arms()), "draws": np.array(list(ranks.draws), np.int64)}
    arrays["targets"] = np.array(list(ranks.targets.values()))
    for draw, arms in ranks.draws.items():
        targets = _first(arms)
        arrays[f"{draw}_user"] = np.searchsorted(users, targets.user).astype(np.int32)
        arrays[f"{draw}_place"] = targets.place.astype(np.int32)
        arrays[f"{draw}_is_positive"] = targets.is_positive.astype(bool)
        if targets.bucket is not None:
            arrays[f"{draw}_bucket"] = targets.bucket.astype(np.int8)
        for number, arm in enumerate(ranks.arms()):
            rank = arms[arm].rank
            arrays[f"{draw}_rank_{number}"] = np.where(rank <= deepest, rank, 0).astype(kind)
            for name, values in arms[arm].kept.items():
                arrays[f"{draw}_{name}_{number}"] = values
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write(path, buffer.getvalue())


def load(path: Path) -> Judged:
    """Reads the file.

    Raises:
        ResultError: There is none, or it cannot be read.
    """
    try:
        arrays = read_arrays(path)
        arms, draws = arrays["arms"].tolist(), arrays["draws"].tolist()
        found = {
            draw: {
                arm: Ranks(
                    arrays[f"{draw}_rank_{number}"].astype(np.int64),
                    arrays[f"{draw}_is_positive"].astype(np.int64),
                    arrays[f"{draw}_user"].astype(np.int64),
                    arrays[f"{draw}_place"].astype(np.int64),
                    arrays[f"{draw}_bucket"].astype(np.int64) if f"{draw}_bucket" in arrays else None,
                    {
                        name: arrays[f"{draw}_{name}_{number}"].astype(np.float32)
                        for name in KEPT
                        if f"{draw}_{name}_{number}" in arrays
                    },
                )
                for number, arm in enumerate(arms)
            }
            for draw in draws
        }
        return Judged(found, dict(zip(draws, arrays["targets"].tolist(), strict=True)))
    except FileNotFoundError as error:
        msg = f"There is no {path}: the study was run before ranks were kept with it. Run it again."
        raise ResultError(msg) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path} is damaged ({error}). Write it again: pnfrec experiment, then pnfrec results."
        raise ResultError(msg) from error


def _first(arms: dict[str, Ranks]) -> Ranks:
    """Any arm's: all have the same targets."""
    return next(iter(arms.values()))
