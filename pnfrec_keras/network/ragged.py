"""The real positions of a padded batch as one flat list of tokens: no layer works on padding.

Everything but attention looks at one token alone, so it runs on (tokens, dim). Attention needs the tokens of one
sequence side by side: `Tokens.grouped` lays them out in rows again, short sequences apart from long ones.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any
Gradient = Callable[..., Sequence[Tensor]]
# Of tensors (rows, length, dim): the result, and what maps those tensors and the gradient of the result to theirs.
SequenceFunction = Callable[..., tuple[Tensor, Gradient]]

# Sequences of up to a sixth, up to half and up to the whole of the length are laid out apart.
_PARTS = (6, 2, 1)


def length_groups(lengths: Tensor, max_length: int) -> list[tuple[int, Tensor]]:
    """Rows by their length, so that little padding stands beside a short one.

    Args:
        lengths: (batch,), number of real positions of each row.
        max_length: The greatest length.

    Returns:
        Pairs of the longest length in a group and its rows, int32 (rows,), which may be none. Rows of length 0 are in
        none of them.
    """
    groups, shorter = [], 0
    for longest in sorted({-(-max_length // part) for part in _PARTS}):
        rows = tf.where((lengths > shorter) & (lengths <= longest))[:, 0]
        groups.append((longest, tf.cast(rows, tf.int32)))
        shorter = longest
    return groups


class Tokens:
    """Where the tokens of a batch stand.

    Args:
        items: (batch, length) item indices, padded on the right with 0. The length must be known when the graph is
            built.

    Attributes:
        places: int64 (tokens, 2), row and column of each token, in the order of the rows.
        columns: int32 (tokens,), the column alone.
    """

    def __init__(self, items: Tensor) -> None:
        self._shape = tf.shape(items)
        self._max_length = items.shape[1]
        self.places = tf.where(items > 0)
        self.columns = tf.cast(self.places[:, 1], tf.int32)
        lengths = tf.math.count_nonzero(items, axis=1, dtype=tf.int32)
        first = tf.cumsum(lengths, exclusive=True)  # flat place of each row's first token
        last = tf.maximum(tf.shape(self.columns)[0] - 1, 0)
        # A list (rows, longest) for each group: which token stands in a cell, and whether it is one of the row's own.
        self._laid_out: list[Tensor] = []
        self._own: list[Tensor] = []
        bases, offset = tf.zeros_like(lengths), tf.constant(0)
        for longest, rows in length_groups(lengths, self._max_length):
            # What stands past a row's end is some other token: causal attention keeps it from the row's own.
            self._laid_out.append(tf.minimum(tf.gather(first, rows)[:, tf.newaxis] + tf.range(longest), last))
            self._own.append(tf.range(longest) < tf.gather(lengths, rows)[:, tf.newaxis])
            count = tf.shape(rows)[0]
            begins = offset + longest * tf.range(count)
            bases = tf.tensor_scatter_nd_update(bases, rows[:, tf.newaxis], begins)
            offset += longest * count
        self._way_back = tf.gather(bases, self.places[:, 0]) + self.columns

    def take(self, values: Tensor) -> Tensor:
        """The tokens' values: (batch, length, ...) to (tokens, ...)."""
        return tf.gather_nd(values, self.places)

    def put_back(self, values: Tensor) -> Tensor:
        """Into padded rows again, 0 at padding: (tokens, dim) to (batch, length, dim)."""
        dim = values.shape[-1]
        shape = tf.cast(tf.concat([self._shape, [dim]], axis=0), tf.int64)
        return tf.ensure_shape(tf.scatter_nd(self.places, values, shape), [None, self._max_length, dim])

    def grouped(self, function: SequenceFunction, *values: Tensor, training: bool | None = True) -> Tensor:
        """Applies a function of sequences to the sequences of each group.

        In training its gradient lays the values out once more, so that no padded copy of them waits for the backward
        pass. Else it keeps to plain operations: a SavedModel carries every written gradient along, and whoever loads it
        builds them all.

        Args:
            function: Maps tensors (rows, length, any dim) to (rows, length, dim) and to its own gradient, which takes
                the same tensors and the gradient of the result. At a position it must look at that and earlier ones
                only: what comes after a sequence's end has no meaning.
            *values: (tokens, any dim) each.
            training: Whether a gradient will be asked for.

        Returns:
            (tokens, dim).
        """
        if not training:
            return self._from_cells([function(*group)[0] for group in self._lay_out(values)])

        @tf.custom_gradient
        def apply(*values: Tensor) -> tuple[Tensor, Callable[[Tensor], list[Tensor]]]:
            results, gradients = zip(*(function(*group) for group in self._lay_out(values)), strict=True)

            # The gradient of a gather is a scatter, which adds row by row. Here each token has one cell of its own, and
            # what the others hold has no influence on any result: their gradient is 0. So all of it is gathers.
            def gradient(upstream: Tensor) -> list[Tensor]:
                groups = zip(gradients, self._lay_out(values), self._lay_out([upstream]), self._own, strict=True)
                by_group = [
                    by_values(*group, above * tf.cast(own, above.dtype)[..., tf.newaxis])
                    for by_values, group, (above,), own in groups
                ]
                return [self._from_cells(parts) for parts in zip(*by_group, strict=True)]

            return self._from_cells(results), gradient

        return apply(*values)

    def _lay_out(self, values: Sequence[Tensor]) -> list[list[Tensor]]:
        """(tokens, dim) each to (rows, longest, dim) each, for each group."""
        return [[tf.gather(each, flat) for each in values] for flat in self._laid_out]

    def _from_cells(self, groups: Sequence[Tensor]) -> Tensor:
        flat = [tf.reshape(each, [-1, each.shape[-1]]) for each in groups]
        return tf.gather(tf.concat(flat, axis=0), self._way_back)
