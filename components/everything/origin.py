"""The code that the examples of everything depend on."""

from pnfrec_core.provenance import Code

EVERYTHING = Code(("components.everything.executor",), libraries=("apache-beam", "numpy", "pandas", "pyarrow"))
