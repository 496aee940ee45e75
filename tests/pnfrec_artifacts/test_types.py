"""Names of artifact types: those that Kubeflow takes, and stores of ML Metadata that know others."""

import re
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.component.experimental.annotations import InputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.types import artifact, component_spec
from tfx.utils import import_utils

import pnfrec_artifacts
from components.feedback import component as feedback_component
from components.feedback.component import FeedbackGen, FeedbackGenSpec
from components.feedback.config import FeedbackConfig
from components.feedback.origin import EXAMPLES
from pipeline.lineage import last_outcome
from pnfrec_core.provenance import Code
from tests.pipeline.world import write_feedback

TYPES = [
    each
    for each in vars(pnfrec_artifacts).values()
    if isinstance(each, type) and issubclass(each, artifact.Artifact) and each is not artifact.Artifact
]
# What TFX's compiler for Kubeflow takes for the title of a type that is not its own.
_TITLE = re.compile(r"^[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}$")


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: str(kind.__name__))
def test_a_name_leads_to_its_type(kind: Any) -> None:
    assert _TITLE.fullmatch(kind.TYPE_NAME)
    assert import_utils.import_class_by_path(kind.TYPE_NAME) is kind


class OldVocabulary(artifact.Artifact):  # type: ignore[misc]
    TYPE_NAME = "PnfrecItemVocabulary"


class OldStatistics(artifact.Artifact):  # type: ignore[misc]
    TYPE_NAME = "PnfrecFeedbackStatistics"


@component
def ReadVocabulary(vocabulary: InputArtifact[pnfrec_artifacts.ItemVocabulary]) -> None:  # noqa: N802
    """What a later node does: it asks for a vocabulary of the type of today."""
    assert Path(vocabulary.uri, "items.jsonl").exists()


def run(folder: Path, read: bool) -> str:
    """Runs FeedbackGen, and what reads its vocabulary; whether FeedbackGen was "cached" or not."""
    feedback = FeedbackGen(FeedbackConfig(base=str(folder), files=["ratings.csv"], positive=8.0))
    nodes = [feedback, *([ReadVocabulary(vocabulary=feedback.outputs["vocabulary"])] if read else [])]
    LocalDagRunner().run(
        tfx_pipeline.Pipeline(
            pipeline_name="tiny",
            pipeline_root=str(folder / "artifacts"),
            components=nodes,
            enable_cache=True,
            metadata_connection_config=sqlite_metadata_connection_config(str(folder / "metadata.sqlite")),
            beam_pipeline_args=["--runner=DirectRunner"],
        )
    )
    outcome = last_outcome(folder / "metadata.sqlite", "tiny", "FeedbackGen")
    assert outcome is not None
    return outcome.state


def with_old_types(patch: pytest.MonkeyPatch) -> None:
    """FeedbackGen as it was before its types had the names of today."""
    patch.setattr(feedback_component, "EXAMPLES", Code(("components.feedback.executor",), libraries=EXAMPLES.libraries))
    for key, name, kind in (
        ("vocabulary", "ItemVocabulary", OldVocabulary),
        ("statistics", "FeedbackStatistics", OldStatistics),
    ):
        patch.setattr(feedback_component, name, kind)
        patch.setitem(FeedbackGenSpec.OUTPUTS, key, component_spec.ChannelParameter(type=kind))


def test_what_an_older_store_has_of_another_type_is_made_anew(tmp_path: Path) -> None:
    """TFX's cache overlooks the type of an output: it would hand on what no later node finds."""
    write_feedback(tmp_path / "ratings.csv", users=20)
    with pytest.MonkeyPatch.context() as patch:
        with_old_types(patch)
        assert run(tmp_path, read=False) != "cached"
    assert run(tmp_path, read=True) != "cached"
    assert run(tmp_path, read=True) == "cached"
