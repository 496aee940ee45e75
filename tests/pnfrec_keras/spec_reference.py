"""The network and its loss in plain numpy, one user at a time, from `pnfrec-spec.md` and from nothing else.

Everything is analytic where it is differentiated, so that weights may be complex: a step of 1e-30i on a weight gives
the derivative of the loss by it to the last digit (complex-step differentiation), without a formula for the gradient.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]

STEP = 1e-30


def layer_norm(x: Array, weights: Weights, name: str) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    normed: Array = weights[f"{name}/gamma"] * centred / np.sqrt(variance + 1e-8) + weights[f"{name}/beta"]
    return normed


def dense(x: Array, weights: Weights, name: str) -> Array:
    result: Array = x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return result


def log_sum_exp(values: Array) -> Any:
    top = values.real.max()
    return top + np.log(np.exp(values - top).sum())


def attention(query: Array, x: Array, weights: Weights, name: str, heads: int) -> Array:
    q, k, v = (dense(each, weights, f"{name}/{part}") for each, part in ((query, "query"), (x, "key"), (x, "value")))
    width = q.shape[1] // heads
    rows = []
    for t in range(len(q)):
        parts = []
        for head in range(heads):
            columns = slice(head * width, (head + 1) * width)
            scores = np.array([q[t, columns] @ k[s, columns] for s in range(t + 1)]) / np.sqrt(width)
            share = np.exp(scores - log_sum_exp(scores))
            parts.append(sum(share[s] * v[s, columns] for s in range(t + 1)))
        rows.append(np.concatenate(parts))
    return dense(np.array(rows), weights, f"{name}/output")


def sasrec_block(x: Array, weights: Weights, name: str, heads: int) -> Array:
    q = layer_norm(x, weights, f"{name}/query_norm")
    a = q + attention(q, x, weights, f"{name}/attention", heads)
    b = layer_norm(a, weights, f"{name}/feed_forward_norm")
    inner = dense(b, weights, f"{name}/inner")
    return b + dense(np.where(inner.real > 0, inner, 0), weights, f"{name}/outer")


def ligr_block(x: Array, weights: Weights, name: str, heads: int) -> Array:
    """The block of arXiv 2502.03417: each part is let through by a gate, and the feed-forward one is a SwiGLU."""

    def gate(x: Array, part: str) -> Array:
        opened: Array = 1 / (1 + np.exp(-dense(x, weights, f"{name}/{part}_gate")))
        return opened

    n = layer_norm(x, weights, f"{name}/attention_norm")
    a = x + gate(x, "attention") * attention(n, n, weights, f"{name}/attention", heads)
    m = layer_norm(a, weights, f"{name}/feed_forward_norm")
    u = m @ weights[f"{name}/activated/kernel"]
    inner = silu(u) * (m @ weights[f"{name}/linear/kernel"])
    result: Array = a + gate(a, "feed_forward") * (inner @ weights[f"{name}/outer/kernel"])
    return result


def hstu_block(x: Array, weights: Weights, name: str, heads: int) -> Array:
    """The block of arXiv 2402.17152 without its bias: what is attended to is added up, then normalised and gated."""
    n = layer_norm(x, weights, f"{name}/input_norm")
    u, v, q, k = (silu(dense(n, weights, f"{name}/{part}")) for part in ("gate", "value", "query", "key"))
    width = q.shape[1] // heads
    summed = np.zeros(q.shape, np.result_type(q, k, v))
    for head in range(heads):
        columns = slice(head * width, (head + 1) * width)
        for t in range(len(q)):
            for s in range(t + 1):
                summed[t, columns] += silu(q[t, columns] @ k[s, columns]) * v[s, columns]
    return x + dense(layer_norm(summed, weights, f"{name}/sum_norm") * u, weights, f"{name}/output")


def silu(x: Any) -> Any:
    return x / (1 + np.exp(-x))


def block_of(weights: Weights, name: str) -> Callable[[Array, Weights, str, int], Array]:
    """Which block it is, by what it holds."""
    if f"{name}/attention_gate/kernel" in weights:
        return ligr_block
    return hstu_block if f"{name}/sum_norm/gamma" in weights else sasrec_block


def encode(items: Sequence[int], weights: Weights, encoder: str, blocks: int, heads: int) -> Array:
    """Hidden states of one sequence, (items, d)."""
    table = weights["item_embedding"]
    own = encoder.replace("encoder", "positions")
    positions = weights[own if own in weights else "positive_positions"]
    x = np.sqrt(table.shape[1]) * table[list(items)] + positions[: len(items)]
    for block in range(blocks):
        name = f"{encoder}/block_{block}"
        x = block_of(weights, name)(x, weights, name, heads)
    own = encoder.replace("encoder", "final_norm")
    return layer_norm(x, weights, own if f"{own}/gamma" in weights else "final_norm")


def cross_entropies(
    items: Sequence[int],
    weights: Weights,
    encoder: str,
    blocks: int,
    heads: int,
    offsets: Sequence[Sequence[float]] | None = None,
) -> list[Any]:
    """One loss for each real position of one user; `offsets` are added to its logits, a row a position."""
    if len(items) < 2:
        return []
    hidden = encode(items[:-1], weights, encoder, blocks, heads)
    logits = hidden @ weights["item_embedding"][1:].T
    if offsets is not None:
        logits = logits + np.array(offsets)
    return [log_sum_exp(row) - row[label - 1] for row, label in zip(logits, items[1:], strict=True)]


def contrasts(
    positive: Sequence[int],
    negative: Sequence[int],
    weights: Weights,
    blocks: int,
    heads: int,
    temperature: float | None,
) -> list[Any]:
    """One term for each real positive position of one user; `temperature` None takes the dot product."""
    if len(positive) < 2:
        return []
    hidden = encode(positive[:-1], weights, "positive_encoder", blocks, heads)
    table = weights["item_embedding"]

    def similarity(state: Array, item: int) -> Any:
        if temperature is None:
            return state @ table[item]
        lengths = np.sqrt((state * state).sum() * (table[item] * table[item]).sum())
        return state @ table[item] / lengths / temperature

    terms = []
    for state, label in zip(hidden, positive[1:], strict=True):
        scores = np.array([similarity(state, item) for item in (label, *negative[:-1])])
        terms.append(log_sum_exp(scores) - scores[0])
    return terms


def loss_parts(
    positive: Sequence[Sequence[int]],
    negative: Sequence[Sequence[int]],
    weights: Weights,
    *,
    blocks: int,
    heads: int,
    temperature: float | None = None,
    shares: tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """CE_p, CE_n and L_c of a batch of users.

    `shares` say how much each positive and each negative item counts where it is the next one; None: all alike.
    """
    shape = (blocks, heads)
    if shares is None:
        shares = ([[1.0] * len(row) for row in positive], [[1.0] * len(row) for row in negative])
    of_positive, of_negative = ([share for row in rows for share in row[1:]] for rows in shares)

    def mean(terms: list[Any], shares: list[float]) -> Any:
        return sum(share * term for share, term in zip(shares, terms, strict=True)) / (sum(shares) or 1)

    users = list(zip(positive, negative, strict=True))
    ce_p = [each for p, _ in users for each in cross_entropies(p, weights, "positive_encoder", *shape)]
    ce_n = [each for _, n in users for each in cross_entropies(n, weights, "negative_encoder", *shape)]
    contrast = [each for p, n in users for each in contrasts(p, n, weights, *shape, temperature)]
    return {
        "positive": mean(ce_p, of_positive),
        "negative": mean(ce_n, of_negative),
        "contrastive": mean(contrast, of_positive),
    }


def gradient(loss: Any, weights: Weights, name: str) -> Array:
    """Derivative of `loss(weights)`, a real function, by the weight `name`."""
    found = np.zeros(weights[name].shape)
    for place in np.ndindex(*found.shape):
        changed = weights[name].astype(np.complex128)
        changed[place] += 1j * STEP
        found[place] = loss({**weights, name: changed}).imag / STEP
    return found
