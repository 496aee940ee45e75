"""The search itself, on KerasTuner: imported only where one runs."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

import tensorflow as tf
from keras_tuner import Objective
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle

from components.tuner.config import TunerConfig
from components.tuner.objective import objective
from components.tuner.results import SearchReport, TrialReport, in_words
from components.tuner.trials import Outcome
from pnfrec_core import events

OBJECTIVE = "objective"
# What a bad set of values may lead to, and another one need not.
_FAILURES = (FloatingPointError, tf.errors.ResourceExhaustedError)

log = logging.getLogger(__name__)


class _ConfiguredFirst:
    """An oracle whose first trial is the configuration as it is, and that ends when it has tried all there is."""

    first: dict[str, Any] | None = None
    combinations: int | None = None
    trials: dict[str, Any]

    def populate_space(self, trial_id: str) -> Any:
        tried = {tuple(sorted(trial.hyperparameters.values.items())) for trial in self.trials.values()}
        if self.combinations is not None and len(tried) >= self.combinations:
            # The Gaussian process would go on with sets that it has had.
            return {"status": "STOPPED"}
        if self.first is not None and not self.trials:
            return {"status": "RUNNING", "values": self.first}
        return super().populate_space(trial_id)  # type: ignore[misc]


class _Random(_ConfiguredFirst, RandomSearchOracle):
    """Random sets."""


class _Bayesian(_ConfiguredFirst, BayesianOptimizationOracle):
    """Sets where a Gaussian process expects most."""


def make_oracle(
    config: TunerConfig, hyperparameters: Any, first: Mapping[str, Any] | None, combinations: int | None = None
) -> Any:
    """KerasTuner's oracle of a search, whose choices depend on its settings and the outcomes so far alone.

    Args:
        config: The search.
        hyperparameters: The space.
        first: The values of the configuration; None where the space does not hold them.
        combinations: How many sets of values the space holds; None where there is no end of them.
    """
    kind: Any = {"random": _Random, "bayesian": _Bayesian}[config.algorithm]
    oracle = kind(
        objective=Objective(OBJECTIVE, "max"),
        max_trials=config.trials,
        hyperparameters=hyperparameters,
        # KerasTuner takes 0 for "any".
        seed=config.seed + 1,
        # The search judges by itself what is too much failure.
        max_consecutive_failed_trials=config.trials + 1,
    )
    oracle.first = dict(first) if first is not None else None
    oracle.combinations = combinations
    oracle.verbose = 0
    return oracle


class Search(BaseTuner):
    """Runs the trials of an oracle, one after another, and logs a line for each.

    It always begins at the first trial. One that was cut off comes to the same choices again, since the oracle depends
    on nothing else, and `outcome` knows what was trained already. KerasTuner's own files would not do: a kill may leave
    one half-written, and a Bayesian search draws other numbers after a reload.

    Args:
        oracle: Of `make_oracle`.
        outcome: Trains the set of values of a trial, whose number, from 1, comes first.
        delta_weight: w of the objective.
        directory: For KerasTuner's files.
    """

    def __init__(
        self, oracle: Any, outcome: Callable[[int, Mapping[str, Any]], Outcome], delta_weight: float, directory: str
    ) -> None:
        super().__init__(oracle, directory=directory, project_name="search", overwrite=True)
        self._outcome = outcome
        self._delta_weight = delta_weight
        self._reports: dict[str, TrialReport] = {}

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> dict[str, float]:
        """Trains one set of values; the objective of its best epoch."""
        number, values = int(trial.trial_id) + 1, dict(trial.hyperparameters.values)
        try:
            report = self._judged(number, values)
        except _FAILURES as error:
            self._reports[trial.trial_id] = TrialReport(number, values, failure=str(error))
            raise FailedTrialError(str(error)) from error
        except Exception as error:
            # KerasTuner would go on, as if another set of values might mend it.
            raise FatalError(str(error)) from error
        self._reports[trial.trial_id] = report
        return {OBJECTIVE: cast("float", report.objective)}

    def _judged(self, number: int, values: Mapping[str, Any]) -> TrialReport:
        outcome = self._outcome(number, values)
        measures = outcome.measures
        return TrialReport(
            *(number, values, objective(measures, self._delta_weight), measures["val_ndcg_p"]),
            # Absent where validation has no disliked target.
            ndcg_n=measures.get("val_ndcg_n"),
            best_epoch=outcome.best_epoch,
            epochs=len(outcome.history),
            seconds=round(outcome.seconds, 1),
        )

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        report = self._reports[trial.trial_id]
        objectives = [one.objective for one in self._reports.values() if one.objective is not None]
        done = events.TrialDone(
            trial=report.trial,
            # A space may hold fewer than were asked for.
            trials=min(self.oracle.max_trials, self.oracle.combinations or self.oracle.max_trials),
            values=in_words(report.values),
            objective=report.objective,
            best=max(objectives, default=None),
            failure=report.failure,
        )
        events.report(log, done)

    def on_search_end(self) -> None:
        super().on_search_end()
        report = self.report()
        if why := report.shortfall():
            log.warning("The search ended after %d trials: %s.", len(report.trials), why)
        # Raises where no trial came to a result, of which KerasTuner would call one the best.
        report.best()

    def report(self) -> SearchReport:
        """The trials so far."""
        trials = list(self._reports.values())
        return SearchReport(trials, self._delta_weight, self.oracle.max_trials, self.oracle.combinations)
