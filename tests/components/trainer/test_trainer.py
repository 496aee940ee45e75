"""Training inside TFX: the component's contract, and its executor on real files."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx import types
from tfx.types import artifact_utils, standard_artifacts

from components.trainer import state
from components.trainer.component import SequenceTrainer
from components.trainer.executor import Executor
from components.trainer.origin import MODEL
from pnfrec_artifacts import ItemVocabulary
from pnfrec_core import events
from pnfrec_core.provenance import Code
from pnfrec_keras.examples.vocabulary import Vocabulary
from tests.pnfrec_keras.writing import evaluation_example, training_example, write_records

ITEMS = [f"i{number}" for number in range(8)]
SETTINGS: dict[str, Any] = {
    "model": {"max_length": 4, "dim": 8, "num_blocks": 1},
    "training": {"epochs": 2, "batch_size": 8},
    "export": {"index": "plain"},
    "resolved_config": "name: test\n",
}


def channel(kind: Any) -> Any:
    return types.Channel(type=kind)


def test_the_component_takes_a_vocabulary_and_names_its_run_fn() -> None:
    trainer = SequenceTrainer(
        examples=channel(standard_artifacts.Examples),
        vocabulary=channel(ItemVocabulary),
        schema=channel(standard_artifacts.Schema),
        custom_config=SETTINGS,
    )
    assert trainer.id == "SequenceTrainer"
    assert trainer.inputs["vocabulary"].type is ItemVocabulary
    assert trainer.outputs["model"].type is standard_artifacts.Model
    assert trainer.exec_properties["run_fn"] == "components.trainer.run_fn.run_fn"
    assert json.loads(trainer.exec_properties["custom_config"]) == SETTINGS
    assert trainer.exec_properties["code"] == MODEL.digest()
    with pytest.raises(TypeError, match="vocabulary"):
        SequenceTrainer(
            examples=channel(standard_artifacts.Examples),
            vocabulary=channel(standard_artifacts.Examples),
            schema=channel(standard_artifacts.Schema),
            custom_config={},
        )


def write_artifacts(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Input and output artifacts as TFX would hand them over."""
    rows = [[ITEMS[(user + step) % 8] for step in range(5)] for user in range(24)]
    days = [user / 4 for user in range(24)]
    train = [
        training_example(f"u{user}", row[:4], [row[4]], margins=[1.0] * 5, days=[days[user] + n for n in range(5)])
        for user, row in enumerate(rows)
    ]
    validation = [evaluation_example(row[:4], row[:4], row[4], 1) for row in rows]
    write_records(folder / "examples" / "Split-train" / "data_tfrecord-00000-of-00001.gz", train)
    write_records(folder / "examples" / "Split-validation" / "data_tfrecord-00000-of-00001.gz", validation)
    (folder / "vocabulary").mkdir()
    Vocabulary(ITEMS, np.full(8, 12), np.full(8, 9)).write(folder / "vocabulary" / "items.jsonl")

    def artifact(kind: Any, name: str) -> list[Any]:
        made = kind()
        made.uri = str(folder / name)
        Path(made.uri).mkdir(exist_ok=True)
        return [made]

    examples = artifact(standard_artifacts.Examples, "examples")
    examples[0].split_names = artifact_utils.encode_split_names(["train", "validation"])
    inputs = {"examples": examples, "vocabulary": artifact(ItemVocabulary, "vocabulary")}
    outputs = {
        "model": artifact(standard_artifacts.Model, "model"),
        "model_run": artifact(standard_artifacts.ModelRun, "model_run"),
    }
    return inputs, outputs


def properties(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "run_fn": "components.trainer.run_fn.run_fn",
        "train_args": json.dumps({"splits": ["train"]}),
        "eval_args": json.dumps({"splits": ["validation"]}),
        "custom_config": json.dumps({**SETTINGS, "state_dir": str(folder / "state"), **changes}),
    }


def test_the_executor_trains_and_exports(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    inputs, outputs = write_artifacts(tmp_path)
    Executor().Do(inputs, outputs, properties(tmp_path))
    reported = [type(event).__name__ for event in map(events.of_record, caplog.records) if event is not None]
    started = ["ReadingExamples", "TrainingStarted", "Compiling", "FirstStepDone"]
    assert reported == [*started, "EpochDone", "EpochDone", "TrainingDone"]
    exported = tmp_path / "model" / "Format-Serving"
    answer = tf.saved_model.load(str(exported)).signatures["serving_default"](
        positive_item_ids=tf.constant([["i1", "i2"]]), exclude_item_ids=tf.constant([["i3"]]), k=tf.constant([8])
    )
    items = {item.decode() for item in answer["item_ids"].numpy()[0] if item}
    assert items == set(ITEMS) - {"i1", "i2", "i3"}
    assert (exported / "assets.extra" / "config.yaml").read_text() == "name: test\n"
    manifest = json.loads((exported / "assets.extra" / "manifest.json").read_text())
    assert (manifest["items"], manifest["training_users"], manifest["validation_examples"]) == (8, 24, 24)
    history = json.loads((tmp_path / "model_run" / "history.json").read_text())
    assert len(history) == manifest["epochs"] == 2
    best = history[manifest["best_epoch"] - 1]
    assert manifest["training_losses"] == {name: best[name] for name in best if name.startswith("loss")}
    assert manifest["validation"] == {name: best[name] for name in ("val_hr_p", "val_ndcg_p", "val_mrr_p")}
    assert manifest["training_losses"].keys() | manifest["validation"].keys() == best.keys()
    assert list((tmp_path / "model_run").rglob("events.out.tfevents.*"))
    assert not list((tmp_path / "state").glob("*")), "nothing is left to resume"


@pytest.mark.usefixtures("untraced")
def test_the_executor_reads_what_a_trend_and_a_soft_boundary_need(tmp_path: Path) -> None:
    inputs, outputs = write_artifacts(tmp_path)
    model = {**SETTINGS["model"], "trend_days": 3.0, "soft_boundary": 2.0}
    Executor().Do(inputs, outputs, properties(tmp_path, model=model))
    # Without a history the list is that of the last three days of likes, from the middle of day 5.
    likes = [
        item
        for user in range(24)
        for n, item in enumerate(ITEMS[(user + n) % 8] for n in range(4))
        if user / 4 + n > 23 / 4 + 3 + 1 - 3
    ]
    found = tf.saved_model.load(str(tmp_path / "model" / "Format-Serving")).signatures["serving_default"](
        positive_item_ids=tf.constant([], tf.string, shape=[1, 0]),
        exclude_item_ids=tf.constant([], tf.string, shape=[1, 0]),
        k=tf.constant([1]),
    )
    assert found["item_ids"].numpy()[0, 0].decode() in {
        i for i in ITEMS if likes.count(i) == max(map(likes.count, ITEMS))
    }


@pytest.mark.usefixtures("untraced")
def test_an_export_that_fails_keeps_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, outputs = write_artifacts(tmp_path)

    def fail(*_: Any, **__: Any) -> None:
        msg = "No space left on device"
        raise OSError(msg)

    with monkeypatch.context() as patch:
        patch.setattr("pnfrec_keras.export.saved_model.export_saved_model", fail)
        with pytest.raises(OSError, match="No space left"):
            Executor().Do(inputs, outputs, properties(tmp_path))
    (kept,) = (tmp_path / "state").glob("*/state.npz")
    Executor().Do(inputs, outputs, properties(tmp_path))
    assert not kept.exists()
    assert (tmp_path / "model" / "Format-Serving" / "saved_model.pb").exists()


def test_the_state_is_named_by_settings_data_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = {**SETTINGS, "state_dir": "/state"}
    same = state.state_dir({**base, "export": {"index": "tfrs"}}, ["a", "b"])
    assert state.state_dir(base, ["b", "a"]) == same
    assert state.state_dir(base, ["a", "c"]) != same
    assert state.state_dir({**base, "training": {"epochs": 3}}, ["a", "b"]) != same
    vocabulary = {**base, "vocabulary": str(tmp_path)}
    (tmp_path / "items.jsonl").write_text("[]")
    assert state.state_dir(vocabulary, ["a", "b"]) != same
    (tmp_path / "a").write_text("examples")
    by_name = state.state_dir(base, [str(tmp_path / "a*")])
    (tmp_path / "a").rename(tmp_path / "ab")
    assert state.state_dir(base, [str(tmp_path / "a*")]) == by_name, "examples go by what they hold"
    (tmp_path / "ab").write_text("other examples")
    assert state.state_dir(base, [str(tmp_path / "a*")]) != by_name
    monkeypatch.setattr(state, "TRAINED", Code(("pnfrec_core.schema",)))
    assert state.state_dir(base, ["a", "b"]) != same


def test_validation_falls_back_to_the_popularity_of_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Exception):  # noqa: N818 (no error)
        pass

    given: dict[str, Any] = {}

    def train(*_: Any, **settings: Any) -> None:
        given.update(settings)
        raise Stopped

    monkeypatch.setattr("pnfrec_keras.training.fitting.train", train)
    inputs, outputs = write_artifacts(tmp_path)
    with pytest.raises(Stopped):
        Executor().Do(inputs, outputs, properties(tmp_path))
    np.testing.assert_array_equal(given["popularity"], [0, *[9] * 8])
