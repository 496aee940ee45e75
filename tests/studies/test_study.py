"""Declarations of studies."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import ConfigError, load_config
from pnfrec_keras.config import ExportConfig, ModelConfig
from studies.study import load_study, ready_studies, trials
from studies.trial_keys import changed

CONFIG = Path(__file__).parents[2] / "configs" / "movietweetings.yaml"
STUDY: dict[str, Any] = {
    "name": "s",
    "question": "?",
    "reference": "a",
    "seeds": [1, 2],
    "set": {"training.epochs": 3},
    "arms": [
        {"name": "popular", "baseline": "most_popular"},
        {"name": "a", "set": {"model.variant": "SASRec_p"}},
        {"name": "b", "set": {"training.epochs": 4}},
    ],
}


def written(folder: Path, **changes: Any) -> str:
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**STUDY, **changes}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ready_studies())
def test_those_that_come_with_it_can_be_planned(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert len(study.seeds) >= 5
    planned = trials(study, CONFIG, [])
    assert len({trial.key for trial in planned}) == len(planned)
    # The narrower intervals, but where the configuration's own protocol is the question.
    targets = "last" if name in ("paper", "popularity", "served", "shipped") else "successive"
    assert {trial.config.feedback.targets for trial in planned} == {targets}
    compared = [trial for trial in planned if trial.arm.name in (study.reference, study.beside)]
    assert "SASRec_p" in {trial.config.model.effective().variant for trial in compared if not trial.arm.baseline}


@pytest.mark.parametrize("name", ready_studies())
def test_the_rate_of_a_configuration_changes_none_that_comes_with_it(name: str) -> None:
    # Else a study that was run would be another one as soon as a configuration ships another rate.
    study = load_study(name)
    for key, value in (("learning_rate", 0.001), ("average_epochs", 0.0)):
        assert study.set[f"training.{key}"] == value
    rates = {trial.config.training.learning_rate for trial in trials(study, CONFIG, ["training.learning_rate=0.005"])}
    assert rates == {0.005}, "the command line wins"


def test_settings_of_the_arm_beat_those_of_the_study_and_the_command_line_beats_both(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    planned = trials(study, CONFIG, ["model.dim=8"])
    assert [(trial.arm.name, trial.seed) for trial in planned] == [
        ("popular", None),
        ("a", 1),
        ("b", 1),
        ("a", 2),
        ("b", 2),
    ]
    assert [trial.config.training.epochs for trial in planned[1:3]] == [3, 4]
    assert [trial.config.training.seed for trial in planned[1:]] == [1, 1, 2, 2]
    assert {trial.config.model.dim for trial in planned} == {8}
    assert [trial.config.training.epochs for trial in trials(study, CONFIG, ["training.epochs=9"])][1:] == [9] * 4


def test_each_seed_may_draw_its_own_test_users(tmp_path: Path) -> None:
    planned = trials(load_study(written(tmp_path, halves=True)), CONFIG, [])
    assert [(trial.arm.name, trial.seed) for trial in planned] == [
        *(("popular", 1), ("a", 1), ("b", 1)),
        *(("popular", 2), ("a", 2), ("b", 2)),
    ]
    assert [trial.config.feedback.split_seed for trial in planned] == [1, 1, 1, 2, 2, 2]
    assert [trial.training_key is None for trial in planned] == [True, False, False] * 2
    assert len({trial.key for trial in planned}) == 6
    assert {trial.config.feedback.split_seed for trial in trials(load_study(written(tmp_path)), CONFIG, [])} == {42}


def test_all_trainings_with_one_seed_are_refused(tmp_path: Path) -> None:
    """Their results would be equal, and an interval over them would have no width."""
    with pytest.raises(ConfigError, match=r"`--set training.seed=7` would give all trainings of an arm one seed"):
        trials(load_study(written(tmp_path)), CONFIG, ["training.seed=7"])
    for key, value in (("set", {"training.seed": 7}), ("arms", [{"name": "a", "set": {"training.seed": 7}}])):
        with pytest.raises(ConfigError, match=r"`seeds` gives each training its own `training.seed`: remove that key"):
            load_study(written(tmp_path, **{key: value}))


@pytest.mark.parametrize("override", ["feedback.split=leave_one_out", "feedback.split_seed=7"])
def test_test_users_that_no_seed_draws_are_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError, match=f"Received: .*`{override.replace('=', ': ')}`"):
        trials(load_study(written(tmp_path, halves=True)), CONFIG, [override])


def test_other_settings_are_another_trial(tmp_path: Path) -> None:
    study = load_study(written(tmp_path))
    keys = [{trial.key for trial in trials(study, CONFIG, overrides)} for overrides in ([], [], ["model.dim=8"])]
    assert keys[0] == keys[1]
    assert not keys[0] & keys[2]


@pytest.mark.parametrize("names", [("A+", "A-"), ("a b", "a-b"), ("Ü", "Ö")])
def test_arms_of_one_folder_name_are_told_apart(tmp_path: Path, names: tuple[str, str]) -> None:
    """Else the second would take the trials of the first, which then counted twice."""
    arms = [{"name": name} for name in names]
    planned = trials(load_study(written(tmp_path, reference=names[0], arms=arms)), CONFIG, [])
    assert len({trial.key for trial in planned}) == len(planned) == 4
    assert len({trial.training_key for trial in planned}) == 2, "their trainings are the same"


def test_a_grid_makes_an_arm_of_each_combination(tmp_path: Path) -> None:
    study = load_study(written(tmp_path, grid={"model.alpha": [0.0, 0.5], "model.beta": [0.1, 1]}))
    grid = study.all_arms()[3:]
    assert [arm.name for arm in grid] == [
        "alpha 0.0, beta 0.1",
        "alpha 0.0, beta 1",
        "alpha 0.5, beta 0.1",
        "alpha 0.5, beta 1",
    ]
    assert grid[-1].set == {"model.alpha": 0.5, "model.beta": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reference": "x"}, r"`reference`: there is no arm 'x'. There are: popular, a, b"),
        ({"beside": "x"}, "`beside`: there is no arm 'x'"),
        ({"beside": "a"}, "`beside` names the reference 'a' again"),
        ({"labels": "x"}, "`labels`: there is no arm 'x'"),
        ({"seeds": [1, 1]}, "`seeds` must be distinct"),
        ({"grid": {"model.alpha": [0.5], "model.beta": []}}, r"`grid\.model\.beta` is empty"),
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "several are named a"),
        ({"halves": True, "set": {"feedback.split_seed": 3}}, "`halves` gives each seed its own `feedback.split_seed`"),
        ({"halves": True, "grid": {"feedback.split_seed": [3, 4]}}, "remove that key, or `halves`"),
        ({"sedes": [1]}, r"`sedes` is unknown. Did you mean `seeds`\?"),
        ({"arms": [{"name": "a", "zzz": 1}]}, "`arms.a.zzz` is unknown. Known: name, set, baseline, inference"),
        ({"arms": [{"name": "a", "inference": {"gama": [1]}}]}, r"`arms.a.inference.gama` .* Did you mean `gamma`\?"),
        ({"arms": [{"name": "a", "baseline": "luck"}]}, "`arms.a.baseline`: input should be .* Received: 'luck'"),
        ({"arms": [{"baseline": "most_popular"}]}, r"`arms.0.name` is missing"),
        ({"set": {"model.dim": [3]}}, r"`set.model.dim`: input should be .* or a valid integer .* Received: \[3\]"),
        ({"name": "../up"}, "`name` names a folder: letters, .* Received: '../up'"),
        ({"arms": [{"name": "a", "inference": {"gamma": []}}]}, "`inference.gamma` of the arm 'a' is empty"),
        ({"later_days": -1}, "`later_days` must be a number of days, 0 or more. Received: -1"),
        ({"responsiveness": "much"}, "`responsiveness`: input should be a valid boolean"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_study(written(tmp_path, **changes))


@pytest.mark.parametrize(
    ("settings", "inference", "message"),
    [
        ({"model.variant": "SASRec_p"}, {"rule": "posterior"}, "`inference.rule: posterior` reads the negative"),
        ({"model.variant": "SASRec"}, {"rule": "like_odds"}, "SASRec reads one history of both"),
        ({}, {"recency": 1.0}, "set `feedback.recent_days` above 0"),
        ({}, {"rule": "like_odds", "gamma": [-1.0]}, "`inference.gamma` must be 0 or more and finite. Received: -1.0"),
        ({}, {"rule": "like_odds", "gamma": [math.nan]}, "`inference.gamma` must be 0 or more and finite"),
        ({}, {"recency": math.inf}, "`inference.recency` must be 0 or more and finite"),
        ({}, {"delta_weight": -2.0}, "`inference.delta_weight` must be 0 or more and finite"),
        ({}, {"gamma": [1.0]}, r"`inference.gamma` \[1.0\] is the weight of a rule, and none is named"),
        ({"feedback.recent_days": 3, "model.trend_days": 14}, {"recency": 1.0}, "`inference.recency` .* set one to 0"),
        ({}, {"rule": "like_rate", "gamma": [0.0, 1.0]}, "set `feedback.validation_targets: both`"),
        ({"model.width": 3}, {}, r"model\.width"),
        ({"export.gamma": 1.0}, {}, "`export.gamma` has no part in a study"),
    ],
)
def test_an_arm_that_cannot_rank_is_named_before_anything_is_trained(
    tmp_path: Path, settings: dict[str, Any], inference: dict[str, Any], message: str
) -> None:
    arms = [{"name": "a"}, {"name": "b", "set": settings, "inference": inference}]
    study = load_study(written(tmp_path, arms=arms, reference="a"))
    with pytest.raises(ConfigError, match=f"(?s)study {study.name}, arm 'b': .*{message}"):
        trials(study, CONFIG, [])


@pytest.mark.parametrize("inference", [{"rule": "like_odds", "gamma": [1.0]}, {"gamma": [1.0]}, {"recency": 1.0}])
def test_a_baseline_that_would_rank_by_a_rule_is_refused(tmp_path: Path, inference: dict[str, Any]) -> None:
    arms = [{"name": "a"}, {"name": "b", "baseline": "item_knn", "inference": inference}]
    with pytest.raises(ConfigError, match="study s, arm 'b': A baseline ranks by itself"):
        trials(load_study(written(tmp_path, arms=arms)), CONFIG, [])


def test_how_the_configuration_exports_is_nothing_to_a_study(tmp_path: Path) -> None:
    assert load_config(CONFIG).export.rule == "like_odds", "which SASRec cannot follow"
    arms = [{"name": "a"}, {"name": "b", "set": {"model.variant": "SASRec"}}]
    study = load_study(written(tmp_path, arms=arms))
    assert {trial.config.export for trial in trials(study, CONFIG, [])} == {ExportConfig()}
    for override in ("export={gamma: 1}", "query.negative=[x]"):
        with pytest.raises(ConfigError, match=f"^`{override.partition('=')[0]}` has no part in a study"):
            trials(study, CONFIG, [override])


def test_a_file_that_is_no_study_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    for text, message in (
        ("- 1", "expected a mapping of keys such as `arms:`. Received: list"),
        ("name: a\nname: b", "`name` is given twice, in lines 1 and 2"),
        ("a: [", "not valid YAML"),
        ("arms: &x [*x]", "has a key or an alias that cannot be used"),
        ("arms: {}", "the study cannot be used:(.|\\n)*`arms`: input should be"),
        ("seeds: ['1']", "the study cannot be used:(.|\\n)*`seeds.0`: input should be a valid integer. Received: '1'"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=f"mine.yaml: {message}"):
            load_study(str(path))


def test_numbers_may_have_an_exponent_and_names_may_look_like_that(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: a\nquestion: q\nreference: 1e-3\nset: {feedback.validation_targets: both, feedback.columns.value: 1e3}\n"
        "arms: [{name: 1e-3, set: {training.learning_rate: 1e-3}, inference: {rule: like_rate, gamma: [0, 5e-1]}}]\n"
        "grid: {model.alpha: [2e-1]}\n"
    )
    first, second, *_ = trials(load_study(str(path)), CONFIG, [])
    assert (first.arm.name, second.arm.name) == ("1e-3", "alpha 2e-1")
    assert first.arm.inference.gamma == [0, 0.5]
    assert first.config.training.learning_rate == 0.001
    assert second.config.model.alpha == 0.2
    assert first.config.feedback.columns.value == "1e3"


def test_an_unknown_study_and_an_unknown_setting(tmp_path: Path) -> None:
    assert {"baselines", "negatives", "sensitivity"} <= set(ready_studies())
    with pytest.raises(ConfigError, match=f"no study 'x'. Ready ones: {', '.join(ready_studies())}; or"):
        load_study("x")
    study = load_study(written(tmp_path, set={"model.width": 3}))
    with pytest.raises(ConfigError, match=r"model\.width"):
        trials(study, CONFIG, [])


def test_further_measures_are_another_trial_of_the_same_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"feedback.targets": "successive", "feedback.validation_targets": "both"}
    plain = trials(load_study(written(tmp_path, set=settings)), CONFIG, [])
    off = trials(load_study(written(tmp_path, set=settings, responsiveness=False, later_days=0)), CONFIG, [])
    asked = trials(load_study(written(tmp_path, set=settings, responsiveness=True, later_days=14)), CONFIG, [])
    assert [trial.key for trial in plain] == [trial.key for trial in off], "stored trials keep their names"
    assert not {trial.key for trial in plain} & {trial.key for trial in asked}
    assert [trial.training_key for trial in plain] == [trial.training_key for trial in asked]
    assert {tuple(trial.further.items()) for trial in asked} == {(("responsiveness", True), ("later_days", 14))}
    assert {tuple(trial.further.items()) for trial in plain} == {()}
    # Nor does an empty place among the settings change the names of trials from before.
    monkeypatch.setattr("studies.trial_keys.result_name", lambda **given: f"{len(given['settings']):012d}")
    for changes, number in ({}, 5), ({"responsiveness": True}, 6):
        named = trials(load_study(written(tmp_path, set=settings, **changes)), CONFIG, [])
        assert {trial.key[-1] for trial in named} == {str(number)}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "set `feedback.targets: successive`. Received: last"),
        ({"feedback.targets": "successive"}, "set `feedback.validation_targets: both`. Received: positive"),
        (
            {
                "feedback.targets": "successive",
                "feedback.validation_targets": "both",
                "feedback.time_unit": "order",
            },
            "`later_days` needs moments",
        ),
    ],
)
def test_days_that_examples_do_not_tell_are_refused(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    study = load_study(written(tmp_path, set=settings, later_days=30))
    with pytest.raises(ConfigError, match=f"study s, arm 'popular': .*{message}"):
        trials(study, CONFIG, [])


def test_what_trains_the_same_network_is_trained_once(tmp_path: Path) -> None:
    arms = [
        {"name": "a", "set": {"model.variant": "SASRec_p"}},
        {"name": "b", "set": {"model.variant": "PNFRec", "model.alpha": 0.0, "model.beta": 0.0}},
        {"name": "c", "set": {"model.variant": "SASRec_p", "model.dropout": 0.5}},
        {"name": "d", "set": {"model.variant": "SASRec_p"}, "inference": {"rule": "like_rate", "gamma": [0.0, 1.0]}},
    ]
    arms.append({"name": "e", "set": {"model.variant": "SASRec_p", "feedback.recent_days": 7}})
    both = {"feedback.validation_targets": "both"}  # the arm d chooses gamma
    planned = trials(load_study(written(tmp_path, arms=arms, seeds=[1], set=both)), CONFIG, [])
    keys = [trial.training_key for trial in planned]
    assert keys[0] == keys[1] == keys[3] == keys[4] != keys[2]
    assert len({trial.key for trial in planned}) == 5, "each is judged on its own"


def test_a_setting_at_its_default_is_in_no_key() -> None:
    assert changed(ModelConfig(dim=64, dropout=0.5)) == {"dropout": 0.5}
