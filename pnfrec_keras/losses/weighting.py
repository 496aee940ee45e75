"""How the terms of the loss are weighed: alpha and beta as the paper has them, or without a grid (spec, section 8).

fixed      L = CE_p + alpha * CE_n + beta * L_c
decay      the same, the weights halved every `half_life` steps: dislikes shape the table first, likes finish it
geometric  L = log CE_p + alpha * log CE_n + beta * log L_c: each term counts by its relative change, whatever its
           scale, so that alpha = beta = 1 asks for no search (Chennupati et al., arXiv 1904.08492; also what
           learned uncertainty weights settle at, Kendall et al., arXiv 1705.07115)
"""

from typing import Any

import tensorflow as tf

Tensor = Any

# A term that is learned to the last digit must not drown the others.
_SMALLEST = 1e-3


def decayed(weight: float, step: Tensor, half_life: int) -> Tensor:
    """The weight of a negative term after `step` updates."""
    return weight * tf.pow(0.5, tf.cast(step, tf.float32) / half_life)


def relative(share: Tensor) -> Tensor:
    """A replica's share of a term, by the whole term: its gradient is that of the logarithm.

    Args:
        share: Scalar; the shares of all replicas sum to the term.
    """
    whole = share
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        whole = context.all_reduce(tf.distribute.ReduceOp.SUM, share)
    return share / tf.maximum(tf.stop_gradient(whole), _SMALLEST)


def logged(term: Tensor) -> Tensor:
    """What a whole term adds to the loss that is shown."""
    return tf.math.log(tf.maximum(term, _SMALLEST))
