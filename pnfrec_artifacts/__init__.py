"""Artifact types of our own, beside TFX's standard ones.

A type's name is what ML Metadata knows it by, and what Kubeflow Pipelines takes only as `module.Class` with a module at
the top level: there the type is imported by that very name when a node starts. So this package may not move, nor its
classes be renamed.
"""

from tfx.types import artifact


class ItemVocabulary(artifact.Artifact):
    """The catalogue of a training split: `items.jsonl` (see `pnfrec_core.schema`)."""

    TYPE_NAME = "pnfrec_artifacts.ItemVocabulary"


class FeedbackStatistics(artifact.Artifact):
    """What became of each input row: `statistics.json`."""

    TYPE_NAME = "pnfrec_artifacts.FeedbackStatistics"


class GateReport(artifact.Artifact):
    """Verdict of the gate (`report.json`, `.txt` and `.html`), and the model card (`model_card.md` and `.html`)."""

    TYPE_NAME = "pnfrec_artifacts.GateReport"
