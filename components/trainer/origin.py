"""The code that a model depends on."""

from pnfrec_core.provenance import Code

MODEL = Code(("components.trainer.run_fn", "components.trainer.executor"), libraries=("keras", "numpy", "tensorflow"))
