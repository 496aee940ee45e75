"""Which settings are tried, after made-up outcomes, and how a search ends."""

import contextlib
import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from components.tuner.config import NumberSpace, TunerConfig, WidthSpace
from components.tuner.results import SearchReport
from components.tuner.search import Search, make_oracle
from components.tuner.space import combinations, hyperparameters
from components.tuner.trials import Outcome
from pnfrec_core import events
from tests.components.tuner.world import TUNER, Killed

SPACES: dict[str, Any] = {"alpha": NumberSpace(min=0.0, max=1.0), "dim": WidthSpace(values=[8, 16])}


def made_up(_: int, values: Mapping[str, Any]) -> Outcome:
    """An outcome without a training: alpha 0.7 is best for NDCG_p, and alpha 0 for NDCG_n."""
    measures = {"val_ndcg_p": 1 - (values.get("alpha", 0.7) - 0.7) ** 2, "val_ndcg_n": values.get("alpha", 0.0)}
    return Outcome([measures], best_epoch=1, seconds=1.0)


def searched(folder: Path, config: TunerConfig, spaces: dict[str, Any], outcome: Any = made_up) -> SearchReport:
    """The report of a search until it ended, or was killed."""
    first = {name: value for name, value in {"alpha": 0.5, "dim": 8}.items() if name in spaces}
    oracle = make_oracle(config, hyperparameters(spaces, 1), first, combinations(spaces, 1))
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


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_a_small_space_comes_to_an_end_and_says_so(
    tmp_path: Path, algorithm: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    config = dataclasses.replace(TUNER, trials=9, algorithm=algorithm, delta_weight=0.0)
    report = searched(tmp_path, config, {"dim": WidthSpace(values=[8, 16, 32])})
    assert report.trials[0].values == {"dim": 8}
    assert sorted(trial.values["dim"] for trial in report.trials) == [8, 16, 32]
    why = "all 3 combinations of the search space were tried; 9 trials were asked for"
    assert report.shortfall() == why
    assert f"The search ended after 3 trials: {why}." in caplog.messages
    found = [event for event in map(events.of_record, caplog.records) if isinstance(event, events.TrialDone)]
    assert [(event.trial, event.trials) for event in found] == [(1, 3), (2, 3), (3, 3)]


def test_a_search_that_had_all_its_trials_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    report = searched(tmp_path, dataclasses.replace(TUNER, trials=2), {"dim": SPACES["dim"]})
    assert (len(report.trials), report.shortfall()) == (2, "")
    assert "The search ended" not in caplog.text


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
