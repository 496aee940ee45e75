"""Refit inside TFX: only what was blessed, on everything, as long as the judged model was trained."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.components.evaluator import constants
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components.refit.component import Refit
from components.refit.executor import Executor
from components.refit.origin import REFIT
from components.trainer import executor as trainer
from pnfrec_artifacts import ItemVocabulary
from pnfrec_core import events
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.load import load_model
from tests.components.trainer.test_trainer import ITEMS, SETTINGS, properties, write_artifacts
from tests.pnfrec_keras.writing import training_example, write_records

pytestmark = pytest.mark.tensorflow
NEW = "new"


def artifact(kind: Any, uri: Path) -> list[Any]:
    made = kind()
    made.uri = str(uri)
    return [made]


def write_everything(folder: Path) -> None:
    """The examples of everything: each user has one more row, of a new item."""
    rows = [[ITEMS[(user + step) % 8] for step in range(5)] for user in range(24)]
    records = [
        training_example(f"u{user}", [*row[:4], NEW], [row[4]], margins=[1.0] * 6, days=list(map(float, range(6))))
        for user, row in enumerate(rows)
    ]
    write_records(folder / "all" / "Split-train" / "data_tfrecord-00000-of-00001.gz", records)
    (folder / "all_items").mkdir()
    Vocabulary([*ITEMS, NEW], *(2 * [tf.range(9, 0, -1).numpy()])).write(folder / "all_items" / "items.jsonl")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged model, and the examples of everything."""
    folder = tmp_path_factory.mktemp("judged")
    inputs, outputs = write_artifacts(folder)
    trainer.Executor().Do(inputs, outputs, properties(folder))
    write_everything(folder)
    return folder


def run(
    judged: Path,
    target: Path,
    *,
    blessed: bool = True,
    state: Path | None = None,
    initial: Path | None = None,
    **changes: Any,
) -> Any:
    blessing = artifact(standard_artifacts.ModelBlessing, target / "blessing")
    blessing[0].set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    examples = artifact(standard_artifacts.Examples, judged / "all")
    examples[0].split_names = artifact_utils.encode_split_names(["train"])
    inputs = {
        "judged": artifact(standard_artifacts.Model, judged / "model"),
        "blessing": blessing,
        "examples": examples,
        "vocabulary": artifact(ItemVocabulary, judged / "all_items"),
    }
    if initial is not None:
        inputs["initial"] = artifact(standard_artifacts.Model, initial)
    outputs = {
        "model": artifact(standard_artifacts.Model, target / "model"),
        "model_run": artifact(standard_artifacts.ModelRun, target / "run"),
    }
    settings = {**SETTINGS, "state_dir": str(state or target / "state"), **changes}
    Executor().Do(inputs, outputs, {"custom_config": json.dumps(settings)})
    return outputs["model"][0]


def kinds(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [type(event).__name__ for event in map(events.of_record, caplog.records) if event is not None]


def test_what_was_not_blessed_is_not_trained(judged: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = run(judged, tmp_path, blessed=False)
    assert found.get_int_custom_property("refitted") == 0
    assert kinds(caplog) == []
    assert not (tmp_path / "model").exists()


@pytest.mark.usefixtures("untraced")
def test_a_blessed_one_is_trained_on_everything_for_as_many_steps(
    judged: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state = tmp_path / "state"
    found = run(judged, tmp_path / "first", state=state)
    assert found.get_int_custom_property("refitted") == 1
    before = json.loads((judged / "model" / "Format-Serving" / "assets.extra" / "manifest.json").read_text())
    extra = tmp_path / "first" / "model" / "Format-Serving" / "assets.extra"
    manifest = json.loads((extra / "manifest.json").read_text())
    steps = before["best_epoch"] * before["steps_per_epoch"]
    assert (manifest["steps"], manifest["items"], manifest["training_users"]) == (steps, 9, 24)
    done = [event for event in map(events.of_record, caplog.records) if isinstance(event, events.StepsDone)]
    assert (done[-1].step, done[-1].steps) == (steps, steps)
    assert (extra / "config.yaml").read_text() == "name: test\n"
    one, two = (
        tf.saved_model.load(str(folder / "model" / "Format-Serving")) for folder in (judged, tmp_path / "first")
    )
    assert sorted(one.signatures) == sorted(two.signatures)
    assert {path.name for path in extra.iterdir()} == {
        path.name for path in (judged / "model" / "Format-Serving" / "assets.extra").iterdir()
    }
    answer = two.signatures["serving_default"](
        positive_item_ids=tf.constant([ITEMS]), exclude_item_ids=tf.constant([[""]]), k=tf.constant([9])
    )
    assert answer["item_ids"].numpy()[0, 0] == NEW.encode()

    # Judged anew, with another blessing, the very same refit is taken, and not made again.
    caplog.clear()
    run(judged, tmp_path / "second", state=state)
    assert kinds(caplog) == []
    exports = (tmp_path / name / "model" / "Format-Serving" for name in ("first", "second"))
    for first, second in zip(*(load_model(each).model.get_weights() for each in exports), strict=True):
        assert (first == second).all()
    assert [path.name for path in state.glob("*/*")] == ["done.json"]
    # Unless nothing is to be taken from before; and what is made then is what later ones take.
    run(judged, tmp_path / "anew", state=state, anew=True)
    assert "StepsDone" in kinds(caplog)
    (done_file,) = state.glob("*/*")
    assert json.loads(done_file.read_text())["model"] == str(tmp_path / "anew" / "model" / "Format-Serving")
    caplog.clear()
    # Other settings are another refit; and one whose model somebody has deleted is made again.
    run(judged, tmp_path / "third", state=state, training={**SETTINGS["training"], "learning_rate": 0.1})
    assert "StepsDone" in kinds(caplog)
    for name, file, again in (("anew", "saved_model.pb", "fourth"), ("fourth", "variables/variables.index", "fifth")):
        caplog.clear()
        (tmp_path / name / "model" / "Format-Serving" / file).unlink()
        run(judged, tmp_path / again, state=state)
        assert "StepsDone" in kinds(caplog)


@pytest.mark.usefixtures("untraced")
def test_an_export_that_fails_keeps_the_training(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        msg = "No space left on device"
        raise OSError(msg)

    with monkeypatch.context() as patch:
        patch.setattr("pnfrec_keras.export.saved_model.export_saved_model", fail)
        with pytest.raises(OSError, match="No space left"):
            run(judged, tmp_path)
    assert [path.name for path in (tmp_path / "state").glob("*/*")] == ["state.npz"]
    run(judged, tmp_path)
    assert (tmp_path / "model" / "Format-Serving" / "saved_model.pb").is_file()


def test_what_the_tuner_chose_is_followed(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Stopped(Exception):  # noqa: N818 (no error)
        pass

    def train_steps(items: int, data: Any, model: Any, training: Any, *_: Any, **__: Any) -> None:
        del items, data
        given.update(alpha=model.alpha, learning_rate=training.learning_rate)
        raise Stopped

    copy = tmp_path / "judged"
    for name in ("all", "all_items"):
        (tmp_path / "judged").mkdir(exist_ok=True)
        (copy / name).symlink_to(judged / name)
    extra = copy / "model" / "Format-Serving" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "manifest.json").write_text(
        json.dumps({"best_epoch": 2, "steps_per_epoch": 3, "tuner": {"alpha": 0.9, "learning_rate": 0.5}})
    )
    monkeypatch.setattr("pnfrec_keras.training.refitting.train_steps", train_steps)
    with pytest.raises(Stopped):
        run(copy, tmp_path)
    assert given == {"alpha": 0.9, "learning_rate": 0.5}
    (extra / "manifest.json").write_text(json.dumps({"best_epoch": 2}))
    with pytest.raises(ValueError, match=r"manifest.json does not say 'steps_per_epoch', which a refit needs"):
        run(copy, tmp_path)


def test_the_code_is_part_of_what_it_is_cached_by() -> None:
    kinds = {
        "judged": standard_artifacts.Model,
        "blessing": standard_artifacts.ModelBlessing,
        "examples": standard_artifacts.Examples,
        "vocabulary": ItemVocabulary,
    }
    channels = {name: channel_utils.as_channel([kind()]) for name, kind in kinds.items()}
    refit = Refit(**channels, custom_config=SETTINGS)
    assert refit.exec_properties["code"] == REFIT.digest()
    assert refit.outputs["model"].type is standard_artifacts.Model
