"""How a trained model becomes the SavedModel of an artifact, with what made it beside it."""

import platform
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.trainer.choice import EXPORT, RESOLVED_CONFIG
from pnfrec_keras.config import ExportConfig
from pnfrec_keras.examples.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pnfrec_keras.network.model import PNFRec


def export(
    model: "PNFRec", vocabulary: Vocabulary, folder: str, settings: Mapping[str, Any], facts: dict[str, Any]
) -> None:
    """Writes the SavedModel, complete or not at all.

    Args:
        model: The trained model.
        vocabulary: Its catalogue.
        folder: Of the SavedModel; must not exist.
        settings: With the section "export" and the "resolved_config", which becomes `config.yaml`.
        facts: For `manifest.json`.
    """
    from pnfrec_keras.export.saved_model import export_saved_model, manifest

    config = ExportConfig(**settings[EXPORT])
    export_saved_model(
        *(model, vocabulary, folder),
        index=config.index,
        rule=config.rule,
        gamma=config.gamma,
        recency=config.recency,
        extra_assets={"config.yaml": settings[RESOLVED_CONFIG], "manifest.json": manifest(facts)},
    )


def versions() -> dict[str, str]:
    """Of the software that trains, for `manifest.json`."""
    import keras
    import tensorflow as tf

    return {"tensorflow": tf.__version__, "keras": keras.__version__, "python": platform.python_version()}
