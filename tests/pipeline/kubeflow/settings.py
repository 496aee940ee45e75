"""The section `kubeflow` as tests have it."""

from pathlib import Path

from pipeline.config import PipelineConfig, load_config
from tests.pipeline.world import write_config

OVERRIDES = (
    "kubeflow.image=registry/pnfrec:1",
    "kubeflow.feedback=/data/feedback",
    "kubeflow.volumes={data: /data, state: /pnfrec}",
)


def settings(folder: Path, *overrides: str) -> PipelineConfig:
    """A configuration that compiles."""
    return load_config(write_config(folder), [*OVERRIDES, *overrides])
