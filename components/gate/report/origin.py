"""The code that a report depends on."""

from pnfrec_core.provenance import Code

# With the names of the artifact types: see `components.feedback.origin`.
REPORT = Code(("components.gate.report.executor", "pnfrec_artifacts"))
