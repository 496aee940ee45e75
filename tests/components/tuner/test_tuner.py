"""The search inside TFX: the component's contract, its executor on real files, and what survives a kill."""

import contextlib
import csv
import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import pytest
import yaml
from tfx import types
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import standard_artifacts

from components.artifacts import ItemVocabulary
from components.trainer.executor import Executor as TrainerExecutor
from components.tuner.component import SequenceTuner
from components.tuner.config import NumberSpace, SpaceConfig, TunerConfig, WidthSpace
from components.tuner.executor import Executor
from components.tuner.results import SearchReport
from components.tuner.search import Search, make_oracle
from components.tuner.space import hyperparameters
from components.tuner.trials import Outcome, _read
from components.tuner.tuner_fn import tuner_fn
from pnfrec_core import events
from pnfrec_core.provenance import code_version
from pnfrec_keras.training import fitting
from tests.components.trainer.test_trainer import properties as trainer_properties
from tests.components.trainer.test_trainer import write_artifacts
from tests.pnfrec_keras.writing import evaluation_example, write_records

MODEL = {"max_length": 4, "dim": 8, "num_blocks": 1, "alpha": 0.5, "beta": 0.25, "dropout": 0.1}
TRAINING = {"epochs": 3, "batch_size": 8, "learning_rate": 0.01}
SPACE = SpaceConfig(
    alpha=NumberSpace(min=0.1, max=1.0),
    beta=None,
    dim=WidthSpace(values=[8, 16]),
    learning_rate=NumberSpace(min=0.001, max=0.1, log=True),
    dropout=None,
)
TUNER = TunerConfig(enabled=True, trials=3, delta_weight=0.5, space=SPACE)
SETTINGS = {"model": MODEL, "training": TRAINING}


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
    assert tuner.exec_properties["code"] == code_version("components/tuner", "components/trainer", "pnfrec_keras")


def test_keras_tuner_runs_on_keras_3() -> None:
    from keras_tuner.src.backend import keras as used

    assert keras.__version__.startswith("3.")
    assert used.Model is keras.Model


class World:
    """Artifacts in a folder, with disliked targets in validation, and the searches on them."""

    def __init__(self, folder: Path, disliked: bool = True) -> None:
        self.folder = folder
        self.inputs, self.trainer_outputs = write_artifacts(folder)
        rows = [[f"i{(user + step) % 8}" for step in range(5)] for user in range(24)]
        examples = [evaluation_example(row[:4], row[:4], row[4], 1) for row in rows]
        if disliked:
            examples += [evaluation_example(row[:3], row[:3], f"i{(user + 6) % 8}", 0) for user, row in enumerate(rows)]
        write_records(folder / "examples" / "Split-validation" / "data_tfrecord-00000-of-00001.gz", examples)
        self.searches = 0

    def search(self, tuner: TunerConfig = TUNER, model: dict[str, Any] = MODEL) -> Path:
        """Runs the executor; the folder of its outputs."""
        self.searches += 1
        target = self.folder / f"search{self.searches}"
        outputs = {}
        for key, kind in (
            ("best_hyperparameters", standard_artifacts.HyperParameters),
            ("tuner_results", standard_artifacts.TunerResults),
        ):
            outputs[key] = [kind()]
            outputs[key][0].uri = str(target / key)
            (target / key).mkdir(parents=True)
        settings = {
            "model": model,
            "training": TRAINING,
            "tuner": dataclasses.asdict(tuner),
            "state_dir": str(self.folder / "tuner_state"),
        }
        properties = {
            "tuner_fn": "components.tuner.tuner_fn.tuner_fn",
            "train_args": json.dumps({"splits": ["train"]}),
            "eval_args": json.dumps({"splits": ["validation"]}),
            "custom_config": json.dumps(settings),
        }
        Executor(BaseExecutor.Context(tmp_dir=str(target / "tmp"), unique_id="1")).Do(self.inputs, outputs, properties)
        return target


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[fitting.TrainingResult]:
    """The trainings that are made from here on."""
    made: list[fitting.TrainingResult] = []
    fit = fitting.fit

    def recorded(*arguments: Any, **settings: Any) -> fitting.TrainingResult:
        made.append(fit(*arguments, **settings))
        return made[-1]

    monkeypatch.setattr(fitting, "fit", recorded)
    return made


def trials(target: Path) -> list[dict[str, str]]:
    with (target / "tuner_results" / "trials.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def best(target: Path) -> dict[str, Any]:
    (file,) = (target / "best_hyperparameters").iterdir()
    values: dict[str, Any] = keras_tuner.HyperParameters.from_config(json.loads(file.read_text())).values
    return values


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


class Killed(BaseException):
    """What no `except Exception` stops."""


def kill_at(monkeypatch: pytest.MonkeyPatch, trial: int, epoch: int) -> None:
    """Ends the search after an epoch of a trial."""
    from components.tuner import trials as module

    def log_events(number: int) -> events.Report:
        def report(happened: events.Event) -> None:
            if isinstance(happened, events.EpochDone) and (number, happened.epoch) == (trial, epoch):
                raise Killed

        return report

    monkeypatch.setattr(module, "_log_events", log_events)


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


SPACES: dict[str, Any] = {"alpha": NumberSpace(min=0.0, max=1.0), "dim": WidthSpace(values=[8, 16])}


def made_up(_: int, values: Mapping[str, Any]) -> Outcome:
    """An outcome without a training: alpha 0.7 is best for NDCG_p, and alpha 0 for NDCG_n."""
    measures = {"val_ndcg_p": 1 - (values.get("alpha", 0.7) - 0.7) ** 2, "val_ndcg_n": values.get("alpha", 0.0)}
    return Outcome([measures], best_epoch=1, seconds=1.0)


def searched(folder: Path, config: TunerConfig, spaces: dict[str, Any], outcome: Any = made_up) -> SearchReport:
    """The report of a search until it ended, or was killed."""
    first = {name: value for name, value in {"alpha": 0.5, "dim": 8}.items() if name in spaces}
    oracle = make_oracle(config, hyperparameters(spaces, 1), first)
    search = Search(oracle, outcome, config.delta_weight, str(folder))
    with contextlib.suppress(Killed):
        search.search()
    return search.report()


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_choices_depend_on_outcomes_alone(tmp_path: Path, algorithm: Any) -> None:
    # Enough for the Gaussian process to have its say, after three trials for each of two settings.
    config = dataclasses.replace(TUNER, algorithm=algorithm, trials=8, seed=0, delta_weight=0.0)

    def until_the_eighth(number: int, values: Mapping[str, Any]) -> Outcome:
        if number == 8:
            raise Killed
        return made_up(number, values)

    whole = searched(tmp_path, config, SPACES)
    assert len(whole.trials) == 8
    assert whole.trials[0].values == {"alpha": 0.5, "dim": 8}
    assert list(searched(tmp_path, config, SPACES, until_the_eighth).trials) == list(whole.trials[:7])
    assert searched(tmp_path, config, SPACES) == whole, "what an earlier search left in its folder is no matter"
    weighed = searched(tmp_path, dataclasses.replace(config, delta_weight=5.0), SPACES)
    differs = [trial.values for trial in weighed.trials] != [trial.values for trial in whole.trials]
    assert differs == (algorithm == "bayesian"), "a Gaussian process learns from outcomes"


def test_a_small_space_comes_to_an_end(tmp_path: Path) -> None:
    report = searched(tmp_path, dataclasses.replace(TUNER, trials=9), {"dim": SPACES["dim"]})
    assert [trial.values for trial in report.trials] == [{"dim": 8}, {"dim": 16}]


def test_a_search_of_failures_has_no_best(tmp_path: Path) -> None:
    def diverging(number: int, _: Mapping[str, Any]) -> Outcome:
        msg = f"The loss of {number} became nan."
        raise FloatingPointError(msg)

    with pytest.raises(ValueError, match=r"None of the Tuner's 5 trials .* The loss of 5 became nan. Narrow"):
        searched(tmp_path, dataclasses.replace(TUNER, trials=5), SPACES, diverging)


def test_an_error_stops_the_search(tmp_path: Path) -> None:
    def broken(*_: Any) -> Outcome:
        msg = "No space left on device"
        raise OSError(msg)

    with pytest.raises(keras_tuner.errors.FatalError, match="No space left on device"):
        searched(tmp_path, TUNER, SPACES, broken)


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


def test_a_training_that_diverges_is_a_trial_that_failed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rate = NumberSpace(values=[0.01, 1e30])
    space = dataclasses.replace(SPACE, alpha=None, dim=None, learning_rate=rate)
    rows = trials(world.search(dataclasses.replace(TUNER, space=space)))
    assert [row["learning_rate"] for row in rows] == ["0.01", "1e+30"]
    assert "The training loss became" in rows[1]["failure"]
    assert any("trial 2/3: learning_rate 1e+30: failed: The training loss" in line for line in caplog.messages)


def test_disliked_targets_must_be_there_if_they_count(tmp_path: Path) -> None:
    world = World(tmp_path, disliked=False)
    with pytest.raises(ValueError, match=r"`tuner.delta_weight` \(0.5\) .* validation has none"):
        world.search()
    rows = trials(world.search(dataclasses.replace(TUNER, trials=1, epochs=1, delta_weight=0.0)))
    assert rows[0]["objective"] == rows[0]["ndcg_p"]
    assert rows[0]["ndcg_n"] == ""


def test_widths_are_multiples_of_the_heads() -> None:
    for space, expected in (
        (WidthSpace(min=8, max=24), {8, 12, 16, 20, 24}),
        (WidthSpace(min=8, max=40, log=True), {8, 16, 32}),
        (WidthSpace(values=[8, 12]), {8, 12}),
    ):
        (width,) = hyperparameters({"dim": space}, 4).space
        assert {width.random_sample(seed) for seed in range(200)} == expected
