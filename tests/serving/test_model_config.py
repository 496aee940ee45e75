"""Several models by a models.config: what is read, what is refused by name, and each model with its versions."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnfrec_core import marking
from pnfrec_core.model_marks import ConfigFile
from serving.client import RecommenderClient, VersionStatus
from serving.errors import InvalidRequestError, ModelNotFoundError, ServerStartError
from serving.health import ask_state
from serving.model_config import ModelConfig, ModelConfigFile, read_models
from serving.policy import Policy
from serving.server import RecommenderServer, describe
from serving.settings import RestSettings, ServerSettings
from serving.versions import VersionWatcher
from tests.serving.conftest import wait_until
from tests.serving.rest.conftest import Web
from tests.serving.test_versions import Loader, put

pytestmark = pytest.mark.tensorflow

WHOLE = """
# A comment.
model_config_list: {
  config: { name: 'films' base_path: '/models/films', model_platform: "tensorflow" }
  config {
    name: "books" base_path: "books"
    model_version_policy { specific { versions: 3 versions: 7 } }
    version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 7 }
  }
  config { name: "songs" base_path: "songs" model_version_policy { latest { num_versions: 2 } } }
  config { name: "plays" base_path: "plays" model_version_policy { all {} } }
}
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "models.config"
    file.write_text(text)
    return file


def test_models_versions_and_labels_are_read(tmp_path: Path) -> None:
    assert read_models(write(tmp_path, WHOLE), 0.1) == {
        "films": ModelConfig("films", Path("/models/films"), Policy(canary_share=0.1)),
        "books": ModelConfig(
            "books",
            tmp_path / "books",
            Policy(specific=(3, 7), labels={"stable": 3, "canary": 7}, canary_share=0.1),
        ),
        "songs": ModelConfig("songs", tmp_path / "songs", Policy(latest=2, canary_share=0.1)),
        "plays": ModelConfig("plays", tmp_path / "plays", Policy(latest=0, canary_share=0.1)),
    }


def model(inner: str, before: str = "") -> str:
    return f'model_config_list {{ {before} config {{ name: "m" base_path: "x" {inner} }} }}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no model"),
        ("model_config_list {}", "names no model"),
        ("{", "Expected `model_config_list"),
        (model("logging_config {}"), 'no field named "logging_config"'),
        (model("model_type: TENSORFLOW"), 'no field named "model_type"'),
        ("custom_model_config {}", 'no field named "custom_model_config"'),
        (model("base_paht: 'y'"), 'no field named "base_paht"'),
        (
            model('model_platform: "pytorch"'),
            "model 1 ('m'): `model_platform` must be \"tensorflow\". Received: 'pytorch'",
        ),
        (model("model_version_policy { latest {} }"), "`latest` needs `num_versions`, 1 or more"),
        (model("model_version_policy { specific {} }"), "is `specific` and names no version"),
        (model("model_version_policy { specific { versions: 7 versions: -3 } }"), "0 or more. Received: -3"),
        (model("", 'config { name: "m" base_path: "y" }'), "model 2 ('m'): another model has this `name`"),
        (model("", 'config { name: "m" }'), "model 1 ('m'): `base_path` is missing or empty"),
        (model("", 'config { base_path: "y" }'), "model 1 (''): `name` is missing or empty"),
        (model("", 'config { name: "n" base_path: "gs://b/n" }'), "`base_path` must be a folder of this machine"),
    ],
)
def test_what_is_not_obeyed_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"models\.config") as caught:
        read_models(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    with pytest.raises(ServerStartError, match="The server cannot use `model_config_file`: "):
        RecommenderServer.of(ServerSettings(model_config_file=str(file)))


def test_a_file_that_is_missing_keeps_the_server_from_starting(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match="No such file"):
        ModelConfigFile(tmp_path / "models.config")


def test_what_pnfrec_models_writes_is_read(tmp_path: Path) -> None:
    for version in ("1", "2", "3"):
        put(tmp_path, version, version)
    marking.label(tmp_path, "stable", 1)
    marking.rollback(tmp_path, 3, "bad")
    file = marking.write_config(tmp_path, ConfigFile("films", str(tmp_path)))
    (found,) = read_models(file).values()
    assert found == ModelConfig("films", tmp_path, Policy(specific=(1, 2), labels={"stable": 1}))


def test_a_changed_file_counts_at_the_next_look(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for version in ("1", "2", "3"):
        put(tmp_path, version)
    policy = "model_version_policy {{ specific {{ versions: {} }} }}"
    text = model(policy.format(1)).replace('"x"', '"."')
    file = ModelConfigFile(write(tmp_path, text))
    watcher = VersionWatcher(tmp_path, Loader(), policy=lambda: file.policy("m"))
    watcher.poll()
    assert watcher.version == 1
    write(tmp_path, text.replace("versions: 1", "versions: 2 "))
    watcher.poll()
    assert watcher.version == 2
    for broken, said in (("{", "The models stay as they were: "), (model(""), "names other models or folders")):
        write(tmp_path, broken)
        with caplog.at_level(logging.ERROR):
            watcher.poll()
            watcher.poll()
        assert watcher.version == 2
        assert caplog.text.count(said) == 1


@pytest.fixture(scope="module")
def server(exported: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecommenderServer]:
    """Films: version 1. Books: versions 1 and 2, of which 1 is `stable`, and no more are loaded. Songs: none yet."""
    root = tmp_path_factory.mktemp("models")
    for name, versions in (("films", (1,)), ("books", (1, 2)), ("songs", ())):
        (root / name).mkdir()
        for version in versions:
            shutil.copytree(exported[version], root / name / str(version))
    file = write(
        root,
        """model_config_list {
          config { name: "films" base_path: "films" }
          config { name: "books" base_path: "books" version_labels { key: "stable" value: 1 } }
          config { name: "songs" base_path: "songs" }
        }""",
    )
    settings = ServerSettings(
        model_config_file=str(file), port=0, poll_seconds=0.05, rest=RestSettings(port=0, page=True)
    )
    running = RecommenderServer.of(settings)
    running.start()
    yield running
    running.stop(grace_seconds=0)


def ask(server: RecommenderServer, name: str, label: str | None = None) -> tuple[int, float]:
    with RecommenderClient(server.address, name, timeout=60, label=label) as client:
        answer = client.recommend(["a"], k=1)
        return answer.version, answer.items[0][1]


def test_each_model_answers_with_its_own_versions(server: RecommenderServer) -> None:
    assert ask(server, "films") == (1, 3.0)
    assert ask(server, "books") == (2, 103.0)
    assert ask(server, "books", "stable") == (1, 3.0)
    with pytest.raises(InvalidRequestError, match="Unrecognized servable version label: stable"):
        ask(server, "films", "stable")
    with pytest.raises(ModelNotFoundError, match=r"Latest\(plays\)"):
        ask(server, "plays")
    with RecommenderClient(server.address, "books", timeout=60) as client:
        assert client.status() == [VersionStatus(2, "AVAILABLE"), VersionStatus(1, "AVAILABLE")]


def test_the_faces_tell_of_all_models(server: RecommenderServer, exported: dict[int, Path]) -> None:
    assert describe(server).startswith(
        f"{server.address} serves films (version 1), books (version 2), songs (no version yet). HTTP: "
    )
    web = Web(server)
    assert web.get("/v1/models/books/labels/stable").status == 200
    assert web.get("/").status == 200
    assert b'pnfrec_model_version{model="books"} 2.0' in web.get("/metrics").content
    # Ready is who answers for each model.
    assert (web.get("/readyz").status, ask_state(server.address, "films", 60)) == (503, "NOT_SERVING")
    shutil.copytree(exported[1], server.models["songs"].base / "1")
    wait_until(lambda: web.get("/readyz").status == 200)
    assert ask(server, "songs") == (1, 3.0)
