"""A SavedModel in a TF1-style session, as TensorFlow Serving loads it, kept for several questions."""

from pathlib import Path
from typing import Any

import tensorflow as tf


class Session:
    """One session over one SavedModel."""

    def __init__(self, path: Path) -> None:
        graph = tf.Graph()
        with graph.as_default():
            self._session = tf.compat.v1.Session(graph=graph)
            self.signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path)).signature_def

    def call(self, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """All outputs of a signature."""
        definition = self.signatures[signature]
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        outputs: dict[str, Any] = self._session.run({k: v.name for k, v in definition.outputs.items()}, feeds)
        return outputs
