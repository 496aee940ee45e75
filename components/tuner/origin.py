"""The code that the choice of a search depends on."""

from pnfrec_core.provenance import Code

CHOICE = Code(
    ("components.tuner.tuner_fn", "components.tuner.executor"),
    libraries=("keras", "keras-tuner", "numpy", "tensorflow"),
)
