"""The code that the examples, the vocabulary and the statistics depend on."""

from pnfrec_core.provenance import Code

# With the names of the artifact types: an earlier result of another type is none that a later node could find.
EXAMPLES = Code(
    ("components.feedback.executor", "pnfrec_artifacts"), libraries=("apache-beam", "numpy", "pandas", "pyarrow")
)
