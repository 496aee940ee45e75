"""The lists of the page: what it asks the model, and what the rule and each dislike move in them."""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from pnfrec_core import schema
from serving import tensors, wire
from serving.titles import Titles

SHOWN: Final = 10
# Places beyond are told as such.
DEEP: Final = 100

# Rows of a request: what the user is shown, the same before the rule, and from then on without one dislike each.
_AFTER, _BEFORE, _FIRST_LEFT_OUT = range(3)
_NEEDED: Final = (schema.OUTPUT_ITEM_IDS, schema.OUTPUT_SCORES, schema.OUTPUT_COUNT)


class Ranked(NamedTuple):
    """One list, best first.

    Attributes:
        scores: Score of each item by its id, in their order.
        places: Place of each item by its id, from 1 on.
    """

    scores: dict[str, float]
    places: dict[str, int]

    @property
    def shown(self) -> list[str]:
        """The ids of the best."""
        return [*self.scores][:SHOWN]


def request_of(liked: Sequence[str], disliked: Sequence[str], signature: str, deep: int) -> Any:
    """A PredictRequest with the rows that the page compares.

    What is disliked is excluded from each row, so that no list holds it and places can be compared.

    Args:
        liked: Ids, oldest first.
        disliked: Ids.
        signature: One of `schema.RECOMMEND_SIGNATURE`, `schema.NEGATIVES_SIGNATURE` and, for a model that cannot be
            told dislikes apart, `schema.SERVING_SIGNATURE`.
        deep: How many items to ask for.
    """
    told = [disliked, disliked, *([each for each in disliked if each != one] for one in disliked)]
    # Weight 0 is the list before the rule; not a number is the model's own weight.
    gammas = [math.nan if row != _BEFORE else 0.0 for row in range(len(told))]
    rows, width = len(told), len(disliked)
    request = wire.PredictRequest()
    request.model_spec.signature_name = signature

    def put(name: str, values: Any, dtype: int, shape: list[int]) -> None:
        request.inputs[name].CopyFrom(tensors.to_proto(values, dtype, shape))

    texts = tensors.DT_STRING
    put(schema.POSITIVE_ITEM_IDS, [liked] * rows, texts, [rows, len(liked)])
    put(schema.EXCLUDE_ITEM_IDS, [disliked] * rows, texts, [rows, width])
    put(schema.K, [deep] * rows, tensors.DT_INT32, [rows])
    if signature != schema.SERVING_SIGNATURE:
        put(schema.NEGATIVE_ITEM_IDS, [[*each, *[""] * (width - len(each))] for each in told], texts, [rows, width])
        put(schema.GAMMA, gammas, tensors.DT_FLOAT, [rows])
    if signature == schema.RECOMMEND_SIGNATURE:
        put(schema.ALLOW_ITEM_IDS, [[]] * rows, texts, [rows, 0])
        put(schema.MAX_PER_GROUP, [0] * rows, tensors.DT_INT32, [rows])
    return request


def document_of(response: Any, disliked: Sequence[str], titles: Titles) -> dict[str, Any]:
    """What the page shows of an answer to `request_of`.

    Returns:
        `items`: those shown, each with its score and place before the rule (None where that is not known). `fell`:
        those that the rule moved out of sight. `dislikes`: for each of them the items shown without it, with the place
        that it moves them to, and those that it brings in.
    """
    rows = _rows(response)
    after, before = rows[_AFTER], rows[_BEFORE]
    told = _scores_without_rule(response) or before.scores
    return {
        "version": str(response.model_spec.version.value),
        "fallback": bool(tensors.to_lists(response.outputs[schema.OUTPUT_FALLBACK])[_AFTER]),
        "items": [
            {
                **item_of(titles, item),
                "score": after.scores[item],
                "score_before": told.get(item),
                "before": before.places.get(item),
            }
            for item in after.shown
        ],
        "fell": [
            {**item_of(titles, item), "from": place, "to": after.places.get(item)}
            for item, place in _only_in(before, after)
        ],
        "dislikes": [
            {
                **item_of(titles, one),
                "items": [
                    {**item_of(titles, item), "score": without.scores[item], "after": after.places.get(item)}
                    for item in without.shown
                ],
                "came": [
                    {**item_of(titles, item), "from": without.places.get(item), "to": place}
                    for item, place in _only_in(after, without)
                ],
            }
            for one, without in zip(disliked, rows[_FIRST_LEFT_OUT:], strict=True)
        ],
    }


def item_of(titles: Titles, item_id: str) -> dict[str, str]:
    """How the page is told of an item."""
    return {"id": item_id, "title": titles.title(item_id)}


def _only_in(one: Ranked, other: Ranked) -> list[tuple[str, int]]:
    """Items that only the first list shows, with their places there."""
    others = other.shown
    return [(item, one.places[item]) for item in one.shown if item not in others]


def _rows(response: Any) -> list[Ranked]:
    ids, scores, counts = (tensors.to_lists(response.outputs[name]) for name in _NEEDED)
    found = []
    for own_ids, own_scores, count in zip(ids, scores, counts, strict=True):
        names = [item.decode() for item in own_ids[:count]]
        places = {item: place for place, item in enumerate(names, start=1)}
        found.append(Ranked(dict(zip(names, own_scores, strict=False)), places))
    return found


def _scores_without_rule(response: Any) -> dict[str, float]:
    """Of each item of the list after the rule; empty where the signature does not tell."""
    if schema.OUTPUT_SCORES_WITHOUT_RULE not in response.outputs:
        return {}
    ids = tensors.to_lists(response.outputs[schema.OUTPUT_ITEM_IDS])[_AFTER]
    told = tensors.to_lists(response.outputs[schema.OUTPUT_SCORES_WITHOUT_RULE])[_AFTER]
    return {item.decode(): score for item, score in zip(ids, told, strict=True)}
