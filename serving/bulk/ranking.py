"""Ranks the users of a shard by a loaded model, in batches of users with histories of like length."""

import dataclasses
import os
from collections.abc import Sequence
from concurrent import futures

import numpy as np
import numpy.typing as npt

from pnfrec_core import schema
from serving.bulk.histories import Histories, Objects
from serving.model import LoadedModel

# A batch holds at most so many users, and fewer where histories are long: so many ids, padding included.
_USERS, _CELLS = 128, 1 << 18


@dataclasses.dataclass(frozen=True)
class Lists:
    """The lists of some users, a row each.

    Attributes:
        items: Ids as bytes, (users, k), b"" beyond the end of a list.
        scores: float32 (users, k).
        counts: int32 (users,), how long each list is.
        fallback: bool (users,), whether it is the list by popularity.
        known: int32 (users,), how many items of the history the model knows.
    """

    items: Objects
    scores: npt.NDArray[np.float32]
    counts: npt.NDArray[np.int32]
    fallback: npt.NDArray[np.bool_]
    known: npt.NDArray[np.int32]


def rank(model: LoadedModel, histories: Histories, k: int, max_per_group: int = 0) -> Lists:
    """The best `k` items for each user, whose likes and dislikes never come back.

    Args:
        model: The model; one of a mixed history reads likes and dislikes in their order.
        histories: The users.
        k: How many items; fewer come where fewer are left.
        max_per_group: How many of one group, 0 for as many as there are.

    Raises:
        serving.errors.RequestFault: The model refuses what is asked, such as a cap of groups that it has not.
    """
    users = len(histories)
    found = Lists(
        np.full((users, k), b"", object), np.zeros((users, k), np.float32), np.zeros(users, np.int32),
        np.zeros(users, bool), np.zeros(users, np.int32),
    )  # fmt: skip
    lengths = np.array([len(row) for row in histories.merged], np.int64)
    order = np.argsort(lengths, kind="stable")
    # A batch a processor: each run of the model keeps to one, so that no two wait for one another.
    with futures.ThreadPoolExecutor(os.cpu_count() or 1, "pnfrec-bulk") as threads:
        answers = [
            threads.submit(_answer, model, histories, order[batch], (k, max_per_group), found)
            for batch in _batches(lengths[order])
        ]
        for answer in answers:
            answer.result()
    return found


def _batches(lengths: npt.NDArray[np.int64]) -> list[slice]:
    """Users of a batch each; lengths rise."""
    found, begin = [], 0
    while begin < len(lengths):
        end = _end_of_batch(lengths, begin)
        found.append(slice(begin, end))
        begin = end
    return found


def _end_of_batch(lengths: npt.NDArray[np.int64], begin: int) -> int:
    """Where a batch ends that begins with the user `begin`; lengths rise."""
    end = min(begin + _USERS, len(lengths))
    while end > begin + 1 and (end - begin) * lengths[end - 1] > _CELLS:
        end = begin + max((end - begin) // 2, 1)
    return end


def _answer(
    model: LoadedModel, histories: Histories, rows: npt.NDArray[np.intp], asked: tuple[int, int], found: Lists
) -> None:
    k, most = asked
    tells_dislikes = schema.NEGATIVES_SIGNATURE in model.signatures.signature_def
    liked = histories.liked if tells_dislikes else histories.merged
    nothing = np.zeros((len(rows), 0), object)
    inputs = {
        schema.POSITIVE_ITEM_IDS: _grid([liked[row] for row in rows]),
        schema.EXCLUDE_ITEM_IDS: nothing,
        schema.K: np.full(len(rows), k, np.int32),
    }
    name = schema.SERVING_SIGNATURE
    if tells_dislikes or most:
        name = schema.NEGATIVES_SIGNATURE
        disliked = _grid([histories.disliked[row] for row in rows]) if tells_dislikes else nothing
        inputs |= {schema.NEGATIVE_ITEM_IDS: disliked, schema.GAMMA: np.full(len(rows), np.nan, np.float32)}
    if most:
        name = schema.RECOMMEND_SIGNATURE
        inputs |= {schema.ALLOW_ITEM_IDS: nothing, schema.MAX_PER_GROUP: np.full(len(rows), most, np.int32)}
    outputs = model.run(name, inputs)
    width = outputs[schema.OUTPUT_ITEM_IDS].shape[1]
    found.items[rows, :width] = outputs[schema.OUTPUT_ITEM_IDS]
    found.scores[rows, :width] = outputs[schema.OUTPUT_SCORES]
    found.counts[rows] = outputs[schema.OUTPUT_COUNT]
    found.fallback[rows] = outputs[schema.OUTPUT_FALLBACK]
    found.known[rows] = outputs[schema.OUTPUT_KNOWN_ITEMS]


def _grid(rows: Sequence[Objects]) -> Objects:
    grid = np.full((len(rows), max((len(row) for row in rows), default=0)), b"", object)
    for place, row in enumerate(rows):
        grid[place, : len(row)] = row
    return grid
