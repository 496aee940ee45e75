"""The settings of a search: what they accept, and what they say about what they do not."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.tuner.config import NumberSpace, SpaceConfig, TunerConfig, WidthSpace, tuner_from_dict
from components.tuner.space import holds
from pipeline.config import ConfigError, load_config
from pnfrec_keras.config import TrainingConfig
from tests.pipeline.world import write_config

ENABLED: dict[str, Any] = {
    "feedback": {"files": ["ratings.csv"], "validation_targets": "both"},
    "tuner": {"enabled": True},
}


def load(folder: Path, *overrides: str) -> TunerConfig:
    return load_config(write_config(folder, **ENABLED), overrides).tuner


def test_a_space_is_a_list_or_a_range(tmp_path: Path) -> None:
    given = "tuner.space={alpha: {values: [0, 1e-1]}, dim: {min: 16, max: 64, log: true}, dropout: null, beta: null}"
    found = load(tmp_path, given, "tuner.space.learning_rate={min: 1e-4, max: 1e-2}")
    assert found.space == SpaceConfig(
        alpha=NumberSpace(values=[0.0, 0.1]),
        beta=None,
        dim=WidthSpace(min=16, max=64, log=True),
        learning_rate=NumberSpace(min=0.0001, max=0.01),
        dropout=None,
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tuner.trails=3", r"`tuner.trails` is unknown. Did you mean `trials`\?"),
        ("tuner.space.gamma={min: 0, max: 1}", r"`tuner.space.gamma` is unknown. Known: alpha, beta, dim"),
        ("tuner.space.alpha.value=1", r"`tuner.space.alpha.value` is unknown. Did you mean `values`\?"),
        ("tuner.trials=0", r"`tuner.trials` must be at least 1. Received: 0"),
        ("tuner.min_epochs=-1", r"`tuner.min_epochs` must be 0 or more. Received: -1"),
        ("tuner.epochs=0", r"`tuner.epochs` must be at least 1. Received: 0"),
        ("tuner.seed=-1", r"`tuner.seed` must be in \[0, 2\*\*31\). Received: -1"),
        ("tuner.algorithm=grid", r"`tuner.algorithm`: input should be 'random' or 'bayesian'. Received: 'grid'"),
        ("tuner.delta_weight=-1", r"`tuner.delta_weight` must be 0 or more and finite. Received: -1"),
        ("tuner.space.alpha=[1, 2]", r"`tuner.space.alpha`: .* Received: \[1, 2\]"),
        ("tuner.space.alpha={}", r"`tuner.space.alpha`: give either `values`, a list, or both `min` and `max`"),
        ("tuner.space.alpha={values: [1], min: 0}", r"`tuner.space.alpha`: give either `values`"),
        ("tuner.space.alpha={max: 1}", r"`tuner.space.alpha`: `min` must be below `max`, .*Received: None and 1"),
        ("tuner.space.beta={min: 2, max: 1}", r"`tuner.space.beta`: `min` must be below `max`, .*Received: 2.0 and 1"),
        ("tuner.space.beta={min: 0, max: 1, log: true}", r"`tuner.space.beta`: `min` must be above 0 with `log: true`"),
        ("tuner.space.beta={values: [1, 2], log: true}", r"`tuner.space.beta`: `log` is for a range"),
        ("tuner.space.beta={values: [1, 1.0]}", r"`tuner.space.beta`: `values` must be distinct"),
        ("tuner.space.dim={values: [16.5]}", r"`tuner.space.dim.values.0`: input should be a valid integer"),
        (
            "tuner.space.dropout={min: 0, max: 1}",
            r"`tuner.space.dropout` holds 1.0: `model.dropout` must be in \[0, 1\)",
        ),
        ("tuner.space.alpha={values: [-1]}", r"`tuner.space.alpha` holds -1.0: `model.alpha` must be 0 or more"),
        (
            "tuner.space.learning_rate={min: 0, max: 1}",
            r"`tuner.space.learning_rate` holds 0.0: `training.learning_rate` must be above 0",
        ),
        (
            "tuner.space={alpha: null, beta: null, dim: null, learning_rate: null, dropout: null}",
            r"`tuner.space` holds nothing that PNFRec has: tune at least one of alpha, beta, dim, learning_rate",
        ),
        (
            "feedback.validation_targets=positive",
            r"`tuner.delta_weight` \(1\) weighs how disliked targets rank, and validation has none: set "
            r"`feedback.validation_targets: both`, or `tuner.delta_weight: 0`",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, override)
    assert len(str(caught.value).splitlines()) == 2, "one line for the file, one for the key"


def test_a_width_has_to_be_shared_among_the_heads(tmp_path: Path) -> None:
    message = r"`tuner.space.dim` holds 18: `model.dim` must be a multiple of num_heads \(4\)"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, "model.num_heads=4", "tuner.space.dim={values: [16, 18]}")
    # 16, 32; the upper end is never reached.
    assert load(tmp_path, "model.num_heads=4", "tuner.space.dim={min: 16, max: 33, log: true}").enabled


@pytest.mark.parametrize("space", ["{values: [0.45, 0]}", "{min: 0, max: 1}"])
def test_no_value_may_take_the_encoder_away_that_the_rule_of_the_export_reads(tmp_path: Path, space: str) -> None:
    tuned = f"tuner.space.alpha={space}"
    assert load(tmp_path, tuned).enabled
    message = r"`tuner.space.alpha` holds 0.0: `export.rule: difference` reads the negative encoder, .* `like_rate`"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, tuned, "export.rule=difference")
    assert load(tmp_path, "tuner.space.alpha={min: 0.1, max: 1}", "export.rule=difference").enabled


def test_a_search_that_is_not_made_checks_no_more_than_itself(tmp_path: Path) -> None:
    settings = ("tuner.enabled=false", "feedback.validation_targets=positive", "model.num_heads=16", "model.dim=16")
    assert not load(tmp_path, *settings, "tuner.space.dim={values: [18]}").enabled
    with pytest.raises(ConfigError, match=r"`tuner.space.dim`: give either"):
        load(tmp_path, *settings, "tuner.space.dim={}")


def test_without_a_weight_liked_targets_are_enough(tmp_path: Path) -> None:
    assert load(tmp_path, "feedback.validation_targets=positive", "tuner.delta_weight=0").delta_weight == 0.0


@pytest.mark.parametrize(
    ("variant", "names"),
    [
        ("PNFRec", ["alpha", "beta", "dim", "learning_rate", "dropout"]),
        ("PNFRec_pn", ["alpha", "dim", "learning_rate", "dropout"]),
        ("PNFRec_pc", ["beta", "dim", "learning_rate", "dropout"]),
        ("SASRec_p", ["dim", "learning_rate", "dropout"]),
        ("SASRec_c", ["beta", "dim", "learning_rate", "dropout"]),
    ],
)
def test_a_variant_is_tuned_in_the_terms_that_it_has(variant: str, names: list[str]) -> None:
    assert list(SpaceConfig().of_variant(variant)) == names


def test_it_travels_through_json() -> None:
    config = TunerConfig(trials=3, space=SpaceConfig(beta=None, dim=WidthSpace(values=[8, 16])))
    assert tuner_from_dict(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_the_resolved_config_loads_to_the_same(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path, **ENABLED), ["tuner.space.beta=null"])
    assert load_config(write_config(tmp_path, **yaml.safe_load(config.to_yaml()))) == config


@pytest.mark.parametrize(
    ("space", "inside", "outside"),
    [
        (WidthSpace(values=[16, 32]), [16, 32], [8, 24]),
        (WidthSpace(min=16, max=64, log=True), [16, 32, 64], [8, 24, 48, 128]),
        (WidthSpace(min=16, max=40), [16, 20, 40], [12, 18, 44]),
        (NumberSpace(min=0.5, max=2.0, log=True), [0.5, 0.7, 2.0], [0.4, 2.1]),
        (NumberSpace(values=[0.0, 0.5]), [0.0, 0.5], [0.25]),
    ],
)
def test_what_a_space_holds(space: Any, inside: list[float], outside: list[float]) -> None:
    def held(value: float) -> bool:
        return holds({"dim": space}, 4, {"dim": value})

    assert [value for value in inside + outside if held(value)] == inside


def test_a_trial_trains_as_the_trainer_does_but_for_what_the_tuner_says() -> None:
    training = TrainingConfig(epochs=40, patience=5, min_epochs=20, batch_size=7)
    assert TunerConfig().training_of_trials(training) == training
    found = TunerConfig(epochs=10, patience=2, min_epochs=0).training_of_trials(training)
    assert found == TrainingConfig(epochs=10, patience=2, min_epochs=0, batch_size=7)
