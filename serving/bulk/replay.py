"""Asks two models for the lists of the same users, and prints how far they agree as one line of JSON.

python -m serving.bulk.replay --new FOLDER --old FOLDER --users 200 SHARD ...
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pnfrec_core import popularity, schema
from serving.rehearsal import fail

_K = 10
# Users are spread over so many times as many as are asked for, at most.
_SPREAD = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """The program. Exit status: 0 compared, or the old model cannot be loaded; 1 anything else: `error` says what."""
    parser = argparse.ArgumentParser(prog="python -m serving.bulk.replay", description=__doc__)
    parser.add_argument("--new", type=Path, required=True, help="folder of the SavedModel that is to be pushed")
    parser.add_argument("--old", type=Path, required=True, help="folder of the one that serves")
    parser.add_argument("--users", type=int, required=True, help="how many histories")
    parser.add_argument("shards", type=Path, nargs="+", help="files of examples")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    try:
        found = _replay(options.new, options.old, options.users, options.shards)
    except Exception as error:  # of TensorFlow too, which is imported by then
        fail(f"{type(error).__name__}: {error}")
    sys.stdout.write(json.dumps(found) + "\n")


def _replay(new: Path, old: Path, users: int, shards: Sequence[Path]) -> dict[str, Any]:
    from serving.bulk.agreement import agreement

    histories = _sample(shards, users)
    mine, of_new = _ask(new, histories)
    try:
        other, of_old = _ask(old, histories)
    except Exception as error:
        return {"users": len(histories), "new": of_new, "old_error": f"{type(error).__name__}: {error}"}
    return {"users": len(histories), "k": _K, **agreement(mine, other), "new": of_new, "old": of_old}


def _sample(shards: Sequence[Path], users: int) -> Any:
    """Histories of as many users, at even distances among the first ones."""
    from serving.bulk.histories import joined, read_histories

    parts, count = [], 0
    for shard in shards:
        parts.append(_last_of_users(read_histories(shard)))
        count += len(parts[-1])
        if count >= users * _SPREAD:
            break
    found = joined(parts)
    step = max(len(found) // users, 1)
    return found.some(range(0, len(found), step)[:users])


def _last_of_users(histories: Any) -> Any:
    """The last history of each user, who with `feedback.targets: successive` has one before each target."""
    _, behind = np.unique(histories.users[::-1], return_index=True)
    return histories.some(sorted((len(histories) - 1 - behind).tolist()))


def _ask(folder: Path, histories: Any) -> tuple[Any, dict[str, Any]]:
    """The lists of a model, and what there is to say of them."""
    from serving.bulk.agreement import account
    from serving.bulk.ranking import rank
    from serving.limits import Limits
    from serving.model import LoadedModel

    model = LoadedModel(folder, version=0, limits=Limits(model_threads=1))
    try:
        rank(model, histories.some(range(min(len(histories), 1))), _K)  # makes the graph, which no user waits for
        began = time.perf_counter()
        lists = rank(model, histories, _K)
        seconds = time.perf_counter() - began
    finally:
        model.close()
    catalogue = catalogue_of(folder)
    found = account(lists, histories, catalogue, popularity.bucket_bounds(len(catalogue)))
    return lists, {**found, "ms_a_user": round(1000 * seconds / max(len(histories), 1), 3)}


def catalogue_of(folder: Path) -> dict[bytes, int]:
    """Item id to its place in the order of popularity, from 0, of an export."""
    # By the lines of a file: `str.splitlines` would part titles too, at signs such as U+2028 and U+0085.
    with (folder / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE).open(encoding="utf-8") as lines:
        ids = [json.loads(line)[schema.VOCABULARY_ID].encode() for line in lines]
    return {item: place for place, item in enumerate(ids)}


if __name__ == "__main__":
    main()
