"""The code that a report depends on."""

from pnfrec_core.provenance import Code

REPORT = Code(("components.gate.report.executor",))
