import sys

import pytest


@pytest.fixture
def forked_programs(warm_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks a model is forked from a process that has TensorFlow imported; its own imports are those of a run."""
    monkeypatch.setattr(sys, "executable", warm_python)
