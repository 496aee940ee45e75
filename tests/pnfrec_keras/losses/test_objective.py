"""The objective of the model: its terms, their weights, and what learns from them."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.pnfrec_keras.losses.test_terms import plain_contrastive, plain_cross_entropy
from tests.pnfrec_keras.network.small import ARRAYS, make_model


@pytest.mark.parametrize(
    ("settings", "temperature"),
    [({}, None), ({"similarity": "cosine"}, 0.1), ({"similarity": "cosine", "temperature": 0.5}, 0.5)],
)
def test_loss_is_the_weighted_sum_of_its_parts(settings: dict[str, Any], temperature: float | None) -> None:
    model = make_model(alpha=0.45, beta=0.25, **settings)
    x, y = ARRAYS.inputs_and_labels()
    assert x["positive"].tolist() == [[1, 2, 3, 4], [6, 0, 0, 0], [8, 1, 0, 0]]
    assert x["negative"].tolist() == [[9, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    model.compile("adam")
    loss = float(model.compute_loss(x, y, model(x)))
    table = model.item_embedding.embeddings.numpy()
    hidden = {name: model(x)[name].numpy() for name in ("positive", "negative")}
    # 4 + 1 + 2 positive positions and one negative one.
    ce_p = plain_cross_entropy(hidden["positive"], y["positive"], table) / 7
    ce_n = plain_cross_entropy(hidden["negative"], y["negative"], table) / 1
    contrastive = plain_contrastive(hidden["positive"], y["positive"], x["negative"], table, temperature) / 7
    assert loss == pytest.approx(ce_p + 0.45 * ce_n + 0.25 * contrastive, rel=1e-5)
    parts = {name: float(part.result()) for name, part in model.loss_parts.items()}
    assert parts == pytest.approx({"positive": ce_p, "negative": ce_n, "contrastive": contrastive}, rel=1e-5)


@pytest.mark.parametrize(
    ("alpha", "beta", "parts"),
    [
        (0.5, 0.5, ["positive", "negative", "contrastive"]),
        (0.5, 0.0, ["positive", "negative"]),
        (0.0, 0.5, ["positive", "contrastive"]),
        (0.0, 0.0, ["positive"]),
    ],
)
def test_variants_have_the_terms_they_are_named_for(alpha: float, beta: float, parts: list[str]) -> None:
    model = make_model(alpha=alpha, beta=beta)
    assert list(model.loss_parts) == parts
    assert (model.negative_encoder is not None) == (alpha > 0)
    model.compile("sgd", run_eagerly=True)  # Tracing is most of the time of a step.
    history = model.fit(*ARRAYS.inputs_and_labels(), epochs=1, verbose=0).history
    assert set(history) == {"loss", *(f"loss_{part}" for part in parts)}
    assert np.isfinite(history["loss"]).all()


def test_the_negative_encoder_learns_from_its_own_loss_only() -> None:
    x, y = ARRAYS.inputs_and_labels()
    model = make_model(alpha=1.0, beta=1.0)
    assert model.negative_encoder is not None
    model.compile("adam")
    no_negatives = {**y, "negative": np.zeros_like(y["negative"])}
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, no_negatives, model(x))
    gradients = tape.gradient(loss, [weight.value for weight in model.negative_encoder.trainable_weights])
    assert all(gradient is None or not tf.convert_to_tensor(gradient).numpy().any() for gradient in gradients)
