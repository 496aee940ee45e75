"""The code that the examples, the vocabulary and the statistics depend on."""

from pnfrec_core.provenance import Code

EXAMPLES = Code(("components.feedback.executor",), libraries=("apache-beam", "numpy", "pandas", "pyarrow"))
