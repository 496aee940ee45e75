"""The models.config that `pnfrec models` writes, as TensorFlow Serving's own messages read it."""

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from pnfrec_core.model_marks import ConfigFile, Mark, Marks, MarksError
from pnfrec_core.serving_config import config_text

pytestmark = pytest.mark.tensorflow

NAMES = ConfigFile('mödel "1"', "/models/a b\\c")


def parsed(marks: Marks, versions: list[int]) -> model_server_config_pb2.ModelConfig:
    text = config_text(marks, versions, NAMES)
    (config,) = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    return config


def test_without_marks_the_newest_serves() -> None:
    config = parsed(Marks(), [1, 2])
    assert (config.name, config.base_path, config.model_platform) == (NAMES.name, NAMES.base_path, "tensorflow")
    assert config.model_version_policy.latest.num_versions == 1


@pytest.mark.parametrize(
    ("marks", "versions", "labels"),
    [
        (Marks(pinned=Mark(2)), [2], {}),
        (Marks(bad={4: Mark(4)}), [3], {}),
        (Marks(labels={"stable": Mark(2), "canary": Mark(4)}), [2, 4], {"stable": 2, "canary": 4}),
        # A label of a version that is gone would make TensorFlow Serving refuse the whole file.
        (Marks(labels={"stable": Mark(9)}), [4], {}),
        (Marks(pinned=Mark(1), labels={"stable": Mark(2)}, bad={2: Mark(2)}), [1], {}),
    ],
)
def test_what_serves_and_what_has_a_label_is_loaded(marks: Marks, versions: list[int], labels: dict[str, int]) -> None:
    config = parsed(marks, [1, 2, 3, 4])
    assert list(config.model_version_policy.specific.versions) == versions
    assert dict(config.version_labels) == labels


def test_it_cannot_say_that_nothing_serves() -> None:
    with pytest.raises(MarksError, match="No version is there that is not bad"):
        config_text(Marks(bad={1: Mark(1)}), [1], NAMES)
