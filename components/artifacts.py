"""Artifact types of our own, beside TFX's standard ones."""

from tfx.types import artifact


class ItemVocabulary(artifact.Artifact):
    """The catalogue of a training split: `items.jsonl` (see `pnfrec_core.schema`)."""

    TYPE_NAME = "PnfrecItemVocabulary"


class FeedbackStatistics(artifact.Artifact):
    """What became of each input row: `statistics.json`."""

    TYPE_NAME = "PnfrecFeedbackStatistics"


class GateReport(artifact.Artifact):
    """Verdict of the gate (`report.json`, `.txt` and `.html`), and the model card (`model_card.md` and `.html`)."""

    TYPE_NAME = "PnfrecGateReport"
