"""The code that a refitted model depends on."""

from pnfrec_core.provenance import Code

_LIBRARIES = ("keras", "numpy", "tensorflow")
REFIT = Code(("components.refit.executor",), libraries=_LIBRARIES)
