"""What a command says of servers that are no API of Kubeflow Pipelines, or refuse, or are silent."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.kubeflow import client, command
from tests.pipeline.kubeflow.settings import OVERRIDES
from tests.pipeline.world import write_config


class Stranger:
    """A server that gives one answer to everything.

    Attributes:
        code: Its status.
        body: Its body.
        silent_s: How long it waits before it says anything.
        asked: How often it was asked.
    """

    def __init__(self) -> None:
        self.code, self.body, self.silent_s, self.asked = 200, b"{}", 0.0, 0
        stranger = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Nothing: the output is the test's."""

            def do_GET(self) -> None:
                stranger.asked += 1
                time.sleep(stranger.silent_s)
                self.send_response(stranger.code)
                self.send_header("Content-Length", str(len(stranger.body)))
                self.end_headers()
                self.wfile.write(stranger.body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    found = Stranger()
    threading.Thread(target=found.server.serve_forever, args=(0.05,), daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def status(folder: Path, host: str, run: str = "some-run") -> Result:
    arguments = ["status", "--config", str(write_config(folder)), "--set", f"kubeflow.host={host}", run]
    return CliRunner().invoke(command.kubeflow, arguments)


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (401, b"{}", "refused (401): {} Put a token that may do that into the variable PNFREC_KUBEFLOW_TOKEN."),
        (404, b"<html>no page</html>", "refused (404): <html>no page</html>"),
        (500, b"x" * 5000, "xxx..."),
        (200, b"<html>Sign in</html>", "is not the API of Kubeflow Pipelines 2, or asks for a login"),
        (200, b"", "is not the API of Kubeflow Pipelines 2, or asks for a login"),
        (200, b"null", "is not the API of Kubeflow Pipelines 2, or asks for a login"),
        (200, b"[1, 2]", "is not the API of Kubeflow Pipelines 2, or asks for a login"),
        (200, b"\xff\xfe", "is not the API of Kubeflow Pipelines 2, or asks for a login"),
    ],
)
def test_a_stranger_is_asked_once_and_told_in_a_sentence(
    tmp_path: Path, stranger: Stranger, code: int, body: bytes, says: str
) -> None:
    stranger.code, stranger.body = code, body
    done = status(tmp_path, stranger.host)
    assert done.exit_code == 1
    assert says in done.output
    assert len(done.output.splitlines()) == 1
    assert len(done.output) < 500
    assert stranger.asked <= 2  # for its health, and for the run


def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_S", 1)
    stranger.silent_s = 3.0
    done = status(tmp_path, stranger.host)
    assert (done.exit_code, "does not answer" in done.output) == (1, True), done.output


def test_a_run_without_a_name_is_nobodys(tmp_path: Path) -> None:
    done = status(tmp_path, "http://127.0.0.1:9", " ")
    assert (done.exit_code, "RUN is empty" in done.output) == (2, True)


@pytest.mark.parametrize("cron", ["", "0 5 * * *", "daily"])
def test_a_clock_has_seconds(tmp_path: Path, cron: str) -> None:
    """Kubeflow reads five fields as those without the last one: once an hour."""
    overrides = [word for each in OVERRIDES for word in ("--set", each)]
    arguments = ["submit", "--config", str(write_config(tmp_path)), *overrides, "--cron", cron]
    done = CliRunner().invoke(command.kubeflow, arguments)
    assert (done.exit_code, "--cron: expected six fields, seconds first" in done.output) == (2, True), done.output
