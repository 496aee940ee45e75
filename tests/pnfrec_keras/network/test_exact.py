"""With equal weights the model is what the spec says, to 1e-5: states, scores, losses, gradient of the item table."""

from typing import Any

import keras
import numpy as np
import pytest

from pnfrec_keras.examples.arrays import TrainingArrays, pad
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import get_named_weights, set_named_weights
from tests.pnfrec_keras import spec_reference as spec

ITEMS, LENGTH, DIM, BLOCKS, HEADS = 7, 4, 6, 2, 2
# Full (and longer than L + 1), short, of one item, empty; in both polarities.
POSITIVE = [[1, 2, 3, 4, 5, 6], [6, 7, 1], [3], [], [2, 2], [5, 4, 3, 2, 1]]
NEGATIVE = [[7, 6, 5, 4, 3], [1], [2, 4, 4], [5, 1], [], [7, 1]]
KEPT_POSITIVE, KEPT_NEGATIVE = ([row[-LENGTH - 1 :] for row in rows] for rows in (POSITIVE, NEGATIVE))


def filled(**settings: Any) -> tuple[PNFRec, dict[str, Any]]:
    """A model, and the float64 weights it was given."""
    model = PNFRec(ITEMS, max_length=LENGTH, dim=DIM, num_blocks=BLOCKS, num_heads=HEADS, dropout=0.0, **settings)
    generator = np.random.default_rng(5)
    weights = {name: generator.normal(0.1, 0.5, value.shape) for name, value in get_named_weights(model).items()}
    weights["item_embedding"][0] = 0
    # As float32 has them, so that both sides compute with the same numbers.
    weights = {name: value.astype(np.float32).astype(np.float64) for name, value in weights.items()}
    set_named_weights(model, weights)
    return model, weights


def assert_close(found: Any, expected: Any) -> None:
    """To 1e-5 of the largest value."""
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def batch() -> tuple[Any, Any]:
    return TrainingArrays(pad(POSITIVE, LENGTH + 1), pad(NEGATIVE, LENGTH + 1)).inputs_and_labels()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("block", "shared"), [("sasrec", True), ("sasrec", False), ("ligr", True), ("hstu", True)])
@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_hidden_states_and_logits(polarity: str, block: str, shared: bool, training: bool) -> None:
    model, weights = filled(shared_positions=shared, shared_final_norm=shared, block=block)
    assert ("negative_final_norm/gamma" in weights) is not shared
    rows = [row[-LENGTH:] for row in (POSITIVE if polarity == "positive" else NEGATIVE)]
    padded = pad(rows, LENGTH)
    states = model({"positive": padded, "negative": padded}, training=training)[polarity].numpy()
    for row, found in zip(rows, states, strict=True):
        if row:
            expected = spec.encode(row, weights, f"{polarity}_encoder", BLOCKS, HEADS)
            assert_close(found[: len(row)], expected)
            if polarity == "positive":
                scores = model.scores(pad([row], LENGTH)).numpy()[0, 1:]
                assert_close(scores, weights["item_embedding"][1:] @ expected[-1])


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_positions_that_count_from_the_end(polarity: str, training: bool) -> None:
    model, weights = filled(positions="from_end")
    rows = [row[-LENGTH:] for row in (POSITIVE if polarity == "positive" else NEGATIVE)]
    padded = pad(rows, LENGTH)
    states = model({"positive": padded, "negative": padded}, training=training)[polarity].numpy()
    for row, found in zip(rows, states, strict=True):
        if row:
            # The newest item of any row has the first position.
            turned = {**weights, "positive_positions": weights["positive_positions"][: len(row)][::-1]}
            expected = spec.encode(row, turned, f"{polarity}_encoder", BLOCKS, HEADS)
            assert_close(found[: len(row)], expected)
            if polarity == "positive":
                scores = model.scores(pad([row], LENGTH)).numpy()[0, 1:]
                assert_close(scores, weights["item_embedding"][1:] @ expected[-1])


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    ("similarity", "temperature", "block"),
    [
        ("dot", None, "sasrec"),
        ("cosine", 0.1, "sasrec"),
        ("cosine", 0.5, "sasrec"),
        ("dot", None, "ligr"),
        ("dot", None, "hstu"),
    ],
)
def test_losses_and_the_gradient_of_the_item_embedding(
    similarity: str, temperature: float | None, block: str, jit_compile: bool
) -> None:
    alpha, beta = 0.45, 0.25
    settings = {"similarity": similarity, "temperature": temperature or 0.1, "block": block}
    model, weights = filled(alpha=alpha, beta=beta, **settings)
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=jit_compile)

    def parts(weights: Any) -> dict[str, Any]:
        return spec.loss_parts(
            KEPT_POSITIVE, KEPT_NEGATIVE, weights, blocks=BLOCKS, heads=HEADS, temperature=temperature
        )

    def total(weights: Any) -> Any:
        found = parts(weights)
        return found["positive"] + alpha * found["negative"] + beta * found["contrastive"]

    logs = model.train_on_batch(*batch(), return_dict=True)
    for name, expected in parts(weights).items():
        assert float(logs[f"loss_{name}"]) == pytest.approx(expected, rel=1e-5)
    assert float(logs["loss"]) == pytest.approx(total(weights), rel=1e-5)
    moved = get_named_weights(model)
    inside = {"sasrec": ["query_norm/gamma"], "ligr": ["attention_gate/bias"], "hstu": ["query/bias", "value/bias"]}
    names = ["item_embedding", "positive_positions", "final_norm/gamma"]
    for name in (*names, *(f"positive_encoder/block_0/{part}" for part in inside[block])):
        expected = spec.gradient(total, weights, name)
        if name == "item_embedding":
            expected[0] = 0  # the padding row has no gradient
        assert_close(weights[name] - moved[name], expected)


def shapes_of_a_block(block: str) -> dict[str, tuple[int, ...]]:
    begin = "negative_encoder/block_1/"
    named = get_named_weights(filled(block=block)[0]).items()
    return {name.removeprefix(begin): value.shape for name, value in named if name.startswith(begin)}


def test_names_and_shapes_of_hstu_are_the_documented_ones() -> None:
    assert shapes_of_a_block("hstu") == {
        **{f"{norm}/{part}": (DIM,) for norm in ("input_norm", "sum_norm") for part in ("gamma", "beta")},
        **{f"{name}/kernel": (DIM, DIM) for name in ("gate", "query", "key", "value", "output")},
        **{f"{name}/bias": (DIM,) for name in ("gate", "query", "key", "value", "output")},
    }


def test_names_and_shapes_of_gated_blocks_are_the_documented_ones() -> None:
    assert shapes_of_a_block("ligr") == {
        **{f"{norm}/{part}": (DIM,) for norm in ("attention_norm", "feed_forward_norm") for part in ("gamma", "beta")},
        **{f"attention/{name}/kernel": (DIM, DIM) for name in ("query", "key", "value", "output")},
        **{f"attention/{name}/bias": (DIM,) for name in ("query", "key", "value", "output")},
        **{f"{name}_gate/kernel": (DIM, DIM) for name in ("attention", "feed_forward")},
        **{f"{name}_gate/bias": (DIM,) for name in ("attention", "feed_forward")},
        **{f"{name}/kernel": (DIM, 4 * DIM) for name in ("activated", "linear")},
        "outer/kernel": (4 * DIM, DIM),
    }


def test_names_and_shapes_are_the_documented_ones() -> None:
    shapes = {name: value.shape for name, value in get_named_weights(filled(shared_positions=False)[0]).items()}
    block = {
        **{f"{norm}/{part}": (DIM,) for norm in ("query_norm", "feed_forward_norm") for part in ("gamma", "beta")},
        **{f"attention/{name}/kernel": (DIM, DIM) for name in ("query", "key", "value", "output")},
        **{f"attention/{name}/bias": (DIM,) for name in ("query", "key", "value", "output")},
        **{f"{name}/kernel": (DIM, DIM) for name in ("inner", "outer")},
        **{f"{name}/bias": (DIM,) for name in ("inner", "outer")},
    }
    assert shapes == {
        "item_embedding": (ITEMS + 1, DIM),
        "positive_positions": (LENGTH, DIM),
        "negative_positions": (LENGTH, DIM),
        "final_norm/gamma": (DIM,),
        "final_norm/beta": (DIM,),
        **{
            f"{encoder}/block_{number}/{name}": shape
            for encoder in ("positive_encoder", "negative_encoder")
            for number in range(BLOCKS)
            for name, shape in block.items()
        },
    }


def test_what_was_set_is_got() -> None:
    model, weights = filled()
    found = get_named_weights(model)
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("final_norm/beta"), "missing: final_norm/beta"),
        (lambda weights: weights.update(other=np.zeros(1)), "none of this model: other"),
        (lambda weights: weights.update({"final_norm/beta": np.zeros(2)}), r"must have the shape \(6,\)"),
        (lambda weights: weights.update({"final_norm/beta": np.full(DIM, np.nan)}), "not finite"),
        (lambda weights: weights.update(item_embedding=np.ones((ITEMS + 1, DIM))), "must be zero"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(change: Any, message: str) -> None:
    model, weights = filled()
    changed = {name: value + (0 if name == "item_embedding" else 1) for name, value in weights.items()}
    change(changed)
    with pytest.raises(ValueError, match=message):
        set_named_weights(model, changed)
    for name, value in get_named_weights(model).items():
        np.testing.assert_array_equal(value, weights[name])
