"""The forward pass in plain numpy, written from the spec (section 3) and read out of the model's weights by name."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def layer_norm(x: Array, layer: Any) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    normed: Array = (x - mean) / np.sqrt(variance + 1e-8) * layer.gamma.numpy() + layer.beta.numpy()
    return normed


def attention(query: Array, key: Array, layer: Any) -> Array:
    """Causal multi-head attention of one sequence: (length, dim)."""

    def project(x: Array, dense: Any, part: slice = slice(None)) -> Array:
        projected: Array = x @ dense.kernel.numpy()[:, part] + dense.bias.numpy()[part]
        return projected

    def heads(x: Array) -> Array:
        apart: Array = x.reshape(len(x), layer.num_heads, -1).transpose(1, 0, 2)
        return apart

    width = layer.dim
    q = heads(project(query, layer.query_projection))
    k = heads(project(key, layer.key_value_projection, slice(None, width)))
    v = heads(project(key, layer.key_value_projection, slice(width, None)))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    scores = np.where(np.tril(np.ones(scores.shape[1:], bool)), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return project((weights @ v).transpose(1, 0, 2).reshape(len(query), width), layer.output_projection)


def hidden_states(model: Any, items: list[int], polarity: str) -> Array:
    """States of one unpadded sequence, (length, dim)."""
    encoder = getattr(model, f"{polarity}_encoder")
    positions = getattr(model, f"{polarity}_positions")
    table = model.item_embedding.embeddings.numpy()
    x = np.sqrt(model.dim) * table[items] + positions.embeddings.numpy()[: len(items)]
    for block in encoder.blocks:
        q = layer_norm(x, block.query_norm)
        b = layer_norm(q + attention(q, x, block.attention), block.feed_forward_norm)
        inner = np.maximum(b @ block.inner.kernel.numpy() + block.inner.bias.numpy(), 0)
        x = b + inner @ block.outer.kernel.numpy() + block.outer.bias.numpy()
    return layer_norm(x, model.final_norm)
