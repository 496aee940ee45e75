"""What the guide says: its configuration compiles, and TFX's own command cannot do it."""

import re
from pathlib import Path

import pytest
import yaml

from pipeline.config import load_config
from pipeline.kubeflow.compiler import compile_pipeline
from pipeline.kubeflow.spec import container_of
from pnfrec_core.imports import ROOT
from tests.pipeline.world import write_config

GUIDE = (ROOT / "docs" / "guides" / "kubeflow.md").read_text(encoding="utf-8")


def test_the_configuration_of_the_guide_compiles(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    config = load_config(write_config(tmp_path, **yaml.safe_load(text)))
    spec = compile_pipeline(config).spec
    assert container_of(spec, "SequenceTrainer")["image"].endswith(":1-gpu")
    assert container_of(spec, "SequenceTrainer")["resources"]["accelerator"]["count"] == "1"


def test_tfx_still_has_no_handler_for_kubeflow() -> None:
    """Where this fails, TFX has mended it, and the guides have to say so."""
    with pytest.raises(ImportError, match="kubeflow_dag_runner"):
        import tfx.tools.cli.handler.kubeflow_handler  # noqa: F401
