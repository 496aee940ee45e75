import sys
from collections.abc import Iterator

import pytest

from components.pusher.programs import Programs


@pytest.fixture
def forked_programs(warm_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What asks a model is forked from a process that has TensorFlow imported; its own imports are those of a run."""
    monkeypatch.setattr(sys, "executable", warm_python)


@pytest.fixture
def programs() -> Iterator[Programs]:
    with Programs() as programs:
        yield programs
