import pytest

from tests.e2e.command import Command


@pytest.fixture(scope="session")
def pnfrec(warm_python: str) -> Command:
    """The command, in a process that has TFX imported already."""
    return Command([warm_python, "-m", "pipeline.cli"])
