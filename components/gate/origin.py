"""The code that an evaluation depends on, beside that of the model's signature."""

from pnfrec_core.provenance import Code

EVALUATION = Code(
    ("components.gate.metrics", "components.gate.slice_metric", "components.gate.extractors"),
    libraries=("numpy", "tensorflow", "tensorflow-model-analysis"),
)
