"""The signature `recommend`: all that a query may ask of its list (docs/reference/signatures.md)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from pnfrec_core import schema
from pnfrec_keras.export.rows import checked_rows, one_a_row
from pnfrec_keras.ranking import restrict, topk

if TYPE_CHECKING:
    from pnfrec_keras.export.ranker import Ranker

Tensor = Any


def answer_in_full(ranker: "Ranker", inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Lists of users who may allow some items only, and cap how many come of one group.

    Args:
        ranker: What ranks.
        inputs: The tensors of the signature by name. A model of one mixed history takes no dislikes apart from likes.

    Returns:
        The outputs of `with_negatives`, how many allowed ids the model does not know, the group of each item, and its
        score before the rule.
    """
    positive = inputs[schema.POSITIVE_ITEM_IDS]
    rows = tf.shape(positive)[0]
    ids = {
        name: checked_rows(inputs[name], rows, name)
        for name in (schema.NEGATIVE_ITEM_IDS, schema.EXCLUDE_ITEM_IDS, schema.ALLOW_ITEM_IDS)
    }
    k = one_a_row(inputs[schema.K], rows, schema.K)
    most = _checked_caps(one_a_row(inputs[schema.MAX_PER_GROUP], rows, schema.MAX_PER_GROUP), ranker.has_groups)
    gamma = one_a_row(inputs[schema.GAMMA], rows, schema.GAMMA)
    if ranker.reads_positives:
        told = ranker.read(positive, ids[schema.NEGATIVE_ITEM_IDS], gamma)
    else:
        with tf.control_dependencies([_nothing_apart(ids[schema.NEGATIVE_ITEM_IDS], gamma)]):
            told = ranker.read(tf.identity(positive))
    scores = ranker.scorer.lower(told.own, told.gamma, told.dislikes)
    seen = tf.concat([told.seen, ranker.table.lookup(ids[schema.EXCLUDE_ITEM_IDS])], axis=1)
    named = tf.not_equal(ids[schema.ALLOW_ITEM_IDS], "")
    allowed = ranker.table.lookup(ids[schema.ALLOW_ITEM_IDS])
    asked = tf.reduce_any(named, axis=1)
    best = _restricted(scores, seen, (allowed, asked), tf.reduce_max(tf.concat([k, [0]], axis=0)), ranker.groups, most)
    answer = ranker.answer(best, told.known, k)
    width = tf.range(tf.shape(best[0])[1])
    listed = tf.where(width[tf.newaxis, :] < answer[schema.OUTPUT_COUNT][:, tf.newaxis], best[0], 0)
    before = tf.gather(ranker.scorer.lower(told.own, 0), listed, axis=1, batch_dims=1)
    answer[schema.OUTPUT_SCORES_WITHOUT_RULE] = tf.where(listed > 0, before, 0.0)
    answer[schema.OUTPUT_GROUPS] = tf.gather(ranker.group_names, tf.gather(ranker.groups, listed))
    answer[schema.OUTPUT_UNKNOWN_ALLOWED] = tf.math.count_nonzero(named & tf.equal(allowed, 0), axis=1, dtype=tf.int32)
    return answer


def _restricted(
    scores: Tensor, seen: Tensor, allow: tuple[Tensor, Tensor], k: Tensor, groups: Tensor, most: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`topk.best_items` among what is allowed, with room in its group; the cheap way where nobody asks for either."""
    allowed, asked = allow
    some, capped = tf.reduce_any(asked), tf.reduce_any(most > 0)

    def restricted() -> tuple[Tensor, Tensor, Tensor]:
        left = topk.exclude(scores, seen)
        left = tf.cond(some, lambda: restrict.allow(left, allowed, asked), lambda: left)
        return tf.cond(  # type: ignore[no-any-return]
            capped, lambda: restrict.top_of_groups(left, k, groups, most), lambda: topk.top_items(left, k)
        )

    return tf.cond(some | capped, restricted, lambda: topk.best_items(scores, seen, k))  # type: ignore[no-any-return]


def _nothing_apart(negative: Tensor, gamma: Tensor) -> Any:
    """Raises where a query tells dislikes, or their weight, to a model that reads one history of both."""
    told = tf.reduce_any(tf.not_equal(negative, "")) | tf.reduce_any(
        tf.math.is_finite(gamma) & tf.not_equal(gamma, 0.0)
    )
    said = (
        "This model reads one history of likes and dislikes in their order: send both as "
        f"`{schema.POSITIVE_ITEM_IDS}`, and neither `{schema.NEGATIVE_ITEM_IDS}` nor a `{schema.GAMMA}` other than 0 "
        f"or NaN. Received `{schema.GAMMA}`:"
    )
    return tf.debugging.Assert(~told, [said, gamma])


def _checked_caps(most: Tensor, has_groups: bool) -> Tensor:
    """The caps of a query; a cap that could not act is refused, not left out."""
    negative = f"`{schema.MAX_PER_GROUP}` must be 0, for as many as there are, or more. Received:"
    checks = [tf.debugging.Assert(tf.reduce_all(most >= 0), [negative, most])]
    if not has_groups:
        without = (
            f"The items of this model have no groups: send 0 as `{schema.MAX_PER_GROUP}`, or name the column of groups "
            "in `feedback.titles.group` and run the pipeline again. Received:"
        )
        checks.append(tf.debugging.Assert(tf.reduce_all(most <= 0), [without, most]))
    with tf.control_dependencies(checks):
        return tf.identity(most)
