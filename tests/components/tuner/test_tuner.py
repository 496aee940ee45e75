"""The search inside TFX: the component's contract, its executor on real files, and what survives a kill."""

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any

import keras
import pytest
import yaml
from tfx import types
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import standard_artifacts

from components.trainer.executor import Executor as TrainerExecutor
from components.tuner.component import SequenceTuner
from components.tuner.config import NumberSpace
from components.tuner.origin import CHOICE
from components.tuner.trials import _read
from components.tuner.tuner_fn import tuner_fn
from pnfrec_artifacts import ItemVocabulary
from pnfrec_core import events
from pnfrec_keras.training import fitting
from tests.components.trainer.test_trainer import properties as trainer_properties
from tests.components.tuner.world import MODEL, SETTINGS, SPACE, TRAINING, TUNER, Killed, World, best, trials


def channel(kind: Any) -> Any:
    return types.Channel(type=kind)


def test_the_component_takes_a_vocabulary_and_names_its_tuner_fn() -> None:
    tuner = SequenceTuner(
        examples=channel(standard_artifacts.Examples),
        vocabulary=channel(ItemVocabulary),
        schema=channel(standard_artifacts.Schema),
        custom_config=SETTINGS,
    )
    assert tuner.id == "SequenceTuner"
    assert tuner.inputs["vocabulary"].type is ItemVocabulary
    assert tuner.outputs["best_hyperparameters"].type is standard_artifacts.HyperParameters
    assert tuner.outputs["tuner_results"].type is standard_artifacts.TunerResults
    assert tuner.exec_properties["tuner_fn"] == "components.tuner.tuner_fn.tuner_fn"
    assert json.loads(tuner.exec_properties["custom_config"]) == SETTINGS
    assert tuner.exec_properties["code"] == CHOICE.digest()


def test_keras_tuner_runs_on_keras_3() -> None:
    from keras_tuner.src.backend import keras as used

    assert keras.__version__.startswith("3.")
    assert used.Model is keras.Model


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[fitting.TrainingResult]:
    """The trainings that are made from here on."""
    made: list[fitting.TrainingResult] = []
    train = fitting.train

    def recorded(*arguments: Any, **settings: Any) -> fitting.TrainingResult:
        made.append(train(*arguments, **settings))
        return made[-1]

    monkeypatch.setattr(fitting, "train", recorded)
    return made


@pytest.mark.usefixtures("untraced")
def test_a_search_judges_each_training_and_hands_on_the_best(
    world: World, fitted: list[fitting.TrainingResult], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    target = world.search()
    rows = trials(target)
    assert len(rows) == len(fitted) == 3
    expected = []
    for row, result in zip(rows, fitted, strict=True):
        ndcg_p = max(epoch["val_ndcg_p"] for epoch in result.history)
        (ndcg_n, *_) = [epoch["val_ndcg_n"] for epoch in result.history if epoch["val_ndcg_p"] == ndcg_p]
        expected.append(1.5 * ndcg_p - 0.5 * ndcg_n)
        assert float(row["objective"]) == pytest.approx(expected[-1])
        assert (float(row["ndcg_p"]), float(row["ndcg_n"])) == (ndcg_p, ndcg_n)
        assert 0.1 <= float(row["alpha"]) <= 1.0
        assert 0.001 <= float(row["learning_rate"]) <= 0.1
        assert int(row["dim"]) == result.model.dim
        assert float(row["alpha"]) == result.model.alpha
        assert result.model.beta == 0.25, "is not tuned"
    assert rows[0]["alpha"] == "0.5", "the first trial is the configuration"
    assert len({row["alpha"] for row in rows}) == 3
    winner = rows[expected.index(max(expected))]
    assert {name: str(value) for name, value in best(target).items()} == {
        name: winner[name] for name in ("alpha", "dim", "learning_rate")
    }
    found = [event for event in map(events.of_record, caplog.records) if event is not None]
    objectives = pytest.approx([float(row["objective"]) for row in rows])
    assert [(event.trial, event.trials) for event in done(found)] == [(1, 3), (2, 3), (3, 3)]
    assert [event.objective for event in done(found)] == objectives
    assert done(found)[0].values == "alpha 0.5, dim 8, learning_rate 0.01"
    assert done(found)[2].best == pytest.approx(max(expected))
    assert found == done(found), "the epochs of a trial are in the log, not among the events"
    logged = [record.getMessage() for record in caplog.records]
    assert [line for line in logged if line.startswith("In trial 2: epoch 1/3: loss ")]
    assert [line for line in logged if line.startswith("trial 1/3: alpha 0.5, dim 8, learning_rate 0.01: objective ")]
    assert f"the best is trial {winner['trial']}:" in (target / "tuner_results" / "summary.txt").read_text()
    assert not list((world.folder / "tuner_state").rglob("*.npz")), "no weights are left"
    check_that_the_trainer_takes_the_best_set(world, target)


def done(found: list[events.Event]) -> list[events.TrialDone]:
    return [event for event in found if isinstance(event, events.TrialDone)]


def check_that_the_trainer_takes_the_best_set(world: World, target: Path) -> None:
    chosen = best(target)
    artifact = standard_artifacts.HyperParameters()
    artifact.uri = str(target / "best_hyperparameters")
    resolved = yaml.safe_dump({"name": "test", "model": MODEL, "training": TRAINING}, sort_keys=False)
    properties = trainer_properties(world.folder, model=MODEL, training=TRAINING, resolved_config=resolved)
    TrainerExecutor().Do({**world.inputs, "hyperparameters": [artifact]}, world.trainer_outputs, properties)
    extra = world.folder / "model" / "Format-Serving" / "assets.extra"
    text = (extra / "config.yaml").read_text()
    assert text.startswith("# The Tuner chose model.alpha, model.dim, training.learning_rate.\n")
    assert yaml.safe_load(text) == {
        "name": "test",
        "model": {**MODEL, "alpha": chosen["alpha"], "dim": chosen["dim"]},
        "training": {**TRAINING, "learning_rate": chosen["learning_rate"]},
    }
    manifest = json.loads((extra / "manifest.json").read_text())
    assert manifest["tuner"] == chosen
    # The very training of that trial.
    (winner,) = [row for row in trials(target) if float(row["alpha"]) == chosen["alpha"]]
    assert manifest["best_epoch"] == int(winner["best_epoch"])
    assert manifest["validation"]["val_ndcg_p"] == pytest.approx(float(winner["ndcg_p"]), abs=1e-5)


def kill_at(monkeypatch: pytest.MonkeyPatch, trial: int, epoch: int) -> None:
    """Ends the search after an epoch of a trial."""
    from components.tuner import trials as module

    def log_events(number: int) -> events.Report:
        def report(happened: events.Event) -> None:
            if isinstance(happened, events.EpochDone) and (number, happened.epoch) == (trial, epoch):
                raise Killed

        return report

    monkeypatch.setattr(module, "_log_events", log_events)


@pytest.mark.usefixtures("untraced")
def test_a_search_that_was_cut_off_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, fitted: list[fitting.TrainingResult]
) -> None:
    tuner = dataclasses.replace(TUNER, trials=2, epochs=2)
    kill_at(monkeypatch, trial=2, epoch=1)
    with pytest.raises(Killed):
        world.search(tuner)
    (first,) = fitted
    kill_at(monkeypatch, trial=0, epoch=0)
    rows = trials(world.search(tuner))
    (_, second) = fitted
    assert second.resumed_from == 1, "the second trial alone, from its second epoch"
    assert len(second.history) == 2
    assert float(rows[0]["ndcg_p"]) == first.history[first.best_epoch - 1]["val_ndcg_p"]
    assert float(rows[1]["alpha"]) == second.model.alpha


@pytest.mark.usefixtures("untraced")
def test_outcomes_serve_other_searches(world: World, fitted: list[fitting.TrainingResult]) -> None:
    tuner = dataclasses.replace(TUNER, trials=1, epochs=1)
    first = trials(world.search(tuner))
    again = trials(world.search(dataclasses.replace(tuner, delta_weight=2.0, trials=2)))
    assert len(fitted) == 2, "only the second trial is new"
    assert [len(result.history) for result in fitted] == [1, 1], "trials have epochs of their own"
    assert again[0]["alpha"] == first[0]["alpha"]
    expected = 3 * float(first[0]["ndcg_p"]) - 2 * float(first[0]["ndcg_n"])
    assert float(again[0]["objective"]) == pytest.approx(expected)
    for file in (world.folder / "tuner_state").glob("*/outcome.json"):
        file.write_text(file.read_text()[:-9])
        assert _read(file) is None, "a damaged one is made anew"


def test_a_space_without_the_configuration_begins_anywhere(world: World) -> None:
    settings = {"model": {**MODEL, "alpha": 0.0}, "training": TRAINING, "tuner": dataclasses.asdict(TUNER)}
    folder = world.folder / "examples"
    fn_args = FnArgs(
        working_dir=str(world.folder / "tmp"),
        train_files=[str(folder / "Split-train" / "*")],
        eval_files=[str(folder / "Split-validation" / "*")],
        custom_config={**settings, "state_dir": "unused", "vocabulary": str(world.folder / "vocabulary")},
    )
    search = tuner_fn(fn_args).tuner
    assert search.oracle.first is None
    assert 0.1 <= search.oracle.create_trial("tuner0").hyperparameters.values["alpha"] <= 1.0


@pytest.mark.usefixtures("untraced")
def test_a_training_that_diverges_is_a_trial_that_failed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rate = NumberSpace(values=[0.01, 1e30])
    space = dataclasses.replace(SPACE, alpha=None, dim=None, learning_rate=rate)
    rows = trials(world.search(dataclasses.replace(TUNER, space=space)))
    assert [row["learning_rate"] for row in rows] == ["0.01", "1e+30"]
    assert "The training loss became" in rows[1]["failure"]
    assert any("trial 2/2: learning_rate 1e+30: failed: The training loss" in line for line in caplog.messages)


@pytest.mark.usefixtures("untraced")
def test_disliked_targets_must_be_there_if_they_count(tmp_path: Path) -> None:
    world = World(tmp_path, disliked=False)
    with pytest.raises(ValueError, match=r"`tuner.delta_weight` \(0.5\) .* validation has none"):
        world.search()
    rows = trials(world.search(dataclasses.replace(TUNER, trials=1, epochs=1, delta_weight=0.0)))
    assert rows[0]["objective"] == rows[0]["ndcg_p"]
    assert rows[0]["ndcg_n"] == ""
