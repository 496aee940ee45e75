"""What `make cluster-test` tells while it runs, which takes minutes: a line for each thing that was shown."""

import time
from collections.abc import Callable

import pytest

Tell = Callable[[str], None]


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Tell:
    """Writes a line at once, with the minutes that have passed, whatever is captured."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    began = time.monotonic()

    def write(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"{minutes:3d}:{seconds:02d}  {line}")

    return write
