"""That nothing of a training stays in the process when its model is gone."""

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from pnfrec_keras.network.model import PNFRec

ITEMS = 20


def batches(length: int) -> tf.data.Dataset:
    items = np.random.default_rng(0).integers(1, ITEMS + 1, (4, length + 1)).astype(np.int32)
    x, y = items[:, :-1], items[:, 1:]
    return tf.data.Dataset.from_tensors(({"positive": x, "negative": x}, {"positive": y, "negative": y})).repeat()


def written() -> set[str]:
    return {name for name in ops.gradient_registry.list() if name.startswith("CustomGradient-")}


class Graphs:
    """The graphs that the steps of a model are traced in."""

    def __init__(self, model: PNFRec) -> None:
        self.seen: list[weakref.ref[Any]] = []
        step = model.train_step

        def train_step(data: Any) -> Any:
            self.seen.append(weakref.ref(tf.compat.v1.get_default_graph()))
            return step(data)

        setattr(model, "train_step", train_step)  # noqa: B010 (a method)


@pytest.mark.parametrize("settings", [{}, {"block": "ligr"}, {"loss": "sampled_softmax", "sampled_items": 5}])
def test_the_graph_of_a_training_goes_with_its_model(settings: dict[str, Any]) -> None:
    before = written()
    model = PNFRec(ITEMS, dim=4, num_blocks=1, max_length=6, **settings)
    model.compile(keras.optimizers.Adam(1e-3))
    graphs = Graphs(model)
    for length in (6, 5):  # another width is traced anew
        model.fit(batches(length), steps_per_epoch=2, shuffle=False, verbose=0)
    assert written() == before
    assert len(graphs.seen) >= 2
    del model
    gc.collect()
    assert [graph() for graph in graphs.seen] == [None] * len(graphs.seen)


def test_what_others_have_written_stays() -> None:
    """Also in the graph that the step is traced in: its gradient may be taken later."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def double(x: Any) -> Any:
        return 2.0 * x, lambda above: 5.0 * above

    model = PNFRec(ITEMS, dim=4, num_blocks=1, max_length=6)
    model.compile(keras.optimizers.Adam(1e-3))
    model.optimizer.build(model.trainable_variables)
    graph = tf.Graph()
    with graph.as_default():
        x = tf.constant(3.0)
        elsewhere = double(x)

    @tf.function(autograph=False)
    def step(data: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y)
            here = double(y)
        model.train_step(data)
        return tape.gradient(here, y)

    before = written()
    assert step(next(iter(batches(6))), tf.constant(3.0)).numpy() == 5.0
    assert len(written() - before) == 1
    with graph.as_default():
        (gradient,) = tf.gradients(elsewhere, x)
    with tf.compat.v1.Session(graph=graph) as session:
        assert session.run(gradient) == 5.0
