"""What the port for HTTP says of itself (OpenAPI) is what it does, by schemathesis. `make rest-test` runs it.

It lies outside the suite, since schemathesis brings a dozen packages that nothing else needs: it has an environment of
its own, `.venv/schemathesis`. What it has found is held by ordinary tests beside this file.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.rest import openapi
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings
from tests.serving.rest.conftest import Web

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).resolve().parents[3]
VERSION = "4.30.1"
# The names that the server knows: else nearly every call would end at a model that there is not.
KNOWN = '[parameters]\n"path.name" = "pnfrec"\n"path.version" = "1"\n'


@pytest.fixture(scope="module")
def schemathesis() -> Path:
    """The command, installed where it is not."""
    folder = ROOT / ".venv" / "schemathesis"
    stamp = folder / "version.txt"
    wanted = f"{VERSION} {sys.version_info[:2]}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", f"schemathesis=={VERSION}"]
        subprocess.run(install, check=True)
        stamp.write_text(wanted)
    return folder / "bin" / "schemathesis"


@pytest.fixture(params=["open", "with a token"])
def served(request: pytest.FixtureRequest, base: Path, tmp_path: Path) -> Iterator[Web]:
    tokens = ""
    if request.param == "with a token":
        tokens = str(tmp_path / "tokens")
        Path(tokens).write_text("0123456789abcdef")
    settings = ServerSettings(
        str(base), port=0, poll_seconds=60, token_file=tokens, rest=RestSettings(port=0, max_body_bytes=10_000)
    )
    server = RecommenderServer.of(settings)
    server.start()
    yield Web(server)
    server.stop(grace_seconds=0)


def test_every_answer_is_one_that_is_described(schemathesis: Path, served: Web, tmp_path: Path) -> None:
    assert openapi.description()["paths"]
    (tmp_path / "schemathesis.toml").write_text(KNOWN)
    command = [str(schemathesis), "--config-file", str(tmp_path / "schemathesis.toml")]
    command += ["run", served.where.geturl() + "/openapi.json", "--no-color", "--max-examples", "100", "--seed", "1"]
    command += ["--header", "Authorization: Bearer 0123456789abcdef"]
    # What a model takes stands in its signature, and not in this description: much that fits here is refused.
    command += ["--exclude-checks", "positive_data_acceptance"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "12 selected / 12 total" in done.stdout
