"""The wiring, without running it."""

import json
from pathlib import Path
from typing import Any

from pipeline.config import load_config
from pipeline.pipeline import create_pipeline
from tests.pipeline.world import write_config


def test_nodes_and_edges(tmp_path: Path) -> None:
    pipeline = create_pipeline(load_config(write_config(tmp_path)))
    nodes = {node.id: node for node in pipeline.components}
    assert list(nodes) == [
        "FeedbackGen",
        "ImportSchemaGen",
        "StatisticsGen",
        "ExampleValidator",
        "AnomalyGate",
        "SequenceTrainer",
        "LastBlessedModel",
        "Evaluator",
        "GateReporter",
        "EverythingGen",
        "Refit",
        "Pusher",
    ]
    upstream = {name: {node.id for node in component.upstream_nodes} for name, component in nodes.items()}
    assert upstream["SequenceTrainer"] == {"FeedbackGen", "ImportSchemaGen", "AnomalyGate"}
    # FeedbackGen for the account of the newest day.
    assert upstream["AnomalyGate"] == {"FeedbackGen", "ExampleValidator"}
    assert upstream["Evaluator"] == {"FeedbackGen", "SequenceTrainer", "LastBlessedModel"}
    # Nothing is refitted before the report tells why a model is refused.
    assert upstream["EverythingGen"] == {"FeedbackGen", "GateReporter"}
    assert upstream["Refit"] == {"SequenceTrainer", "Evaluator", "EverythingGen"}
    # FeedbackGen for the users of the replay.
    assert upstream["Pusher"] == {"FeedbackGen", "SequenceTrainer", "Evaluator", "GateReporter", "Refit"}
    assert nodes["Pusher"].inputs["model"] is nodes["SequenceTrainer"].outputs["model"]
    assert nodes["Pusher"].inputs["refitted"] is nodes["Refit"].outputs["model"]
    assert pipeline.enable_cache
    assert pipeline.beam_pipeline_args[0] == "--runner=DirectRunner"


def test_refitted_is_where_the_newest_rows_are_held_out_or_where_it_is_asked_for(tmp_path: Path) -> None:
    def nodes(*overrides: str) -> set[str]:
        return {node.id for node in create_pipeline(load_config(write_config(tmp_path), overrides)).components}

    refit = {"EverythingGen", "Refit"}
    assert refit <= nodes()
    assert not refit & nodes("training.refit=false")
    assert not refit & nodes("feedback.split=leave_one_out")
    assert refit <= nodes("feedback.split=leave_one_out", "training.refit=true")


def test_without_the_cache_no_earlier_refit_is_taken(tmp_path: Path) -> None:
    def settings(*overrides: str) -> dict[str, Any]:
        nodes = create_pipeline(load_config(write_config(tmp_path), overrides)).components
        found: dict[str, Any] = json.loads(next(n for n in nodes if n.id == "Refit").exec_properties["custom_config"])
        return found

    assert "anew" not in settings()
    assert settings("cache=false") == {**settings(), "anew": True}


def test_that_a_model_is_refitted_is_no_part_of_what_the_trainer_is_cached_by(tmp_path: Path) -> None:
    settings = [
        create_pipeline(load_config(write_config(tmp_path), overrides)).components[5].exec_properties["custom_config"]
        for overrides in ([], ["training.refit=false"], ["training.refit=true"])
    ]
    assert settings[0] == settings[1] == settings[2]


def test_a_warm_start_finds_its_models_before_the_trainer(tmp_path: Path) -> None:
    pipeline = create_pipeline(load_config(write_config(tmp_path), ["training.warm_start=true"]))
    nodes = {node.id: node for node in pipeline.components}
    upstream = {name: {node.id for node in component.upstream_nodes} for name, component in nodes.items()}
    assert upstream["EarlierModels"] == {"FeedbackGen"}
    assert "EarlierModels" in upstream["SequenceTrainer"] & upstream["Refit"]
    # A judged model begins with a judged one: a refit has seen its test rows.
    assert nodes["SequenceTrainer"].inputs["base_model"] is nodes["EarlierModels"].outputs["judged"]
    assert nodes["Refit"].inputs["initial"] is nodes["EarlierModels"].outputs["refitted"]


TUNED = ["tuner.enabled=true", "feedback.validation_targets=both"]


def test_a_tuner_stands_before_the_trainer_when_it_is_asked_for(tmp_path: Path) -> None:
    pipeline = create_pipeline(load_config(write_config(tmp_path), TUNED))
    names = [node.id for node in pipeline.components]
    assert names[4:7] == ["AnomalyGate", "SequenceTuner", "SequenceTrainer"]
    nodes = {node.id: node for node in pipeline.components}
    upstream = {name: {node.id for node in component.upstream_nodes} for name, component in nodes.items()}
    assert upstream["SequenceTuner"] == {"FeedbackGen", "ImportSchemaGen", "AnomalyGate"}
    assert upstream["SequenceTrainer"] == {"FeedbackGen", "ImportSchemaGen", "AnomalyGate", "SequenceTuner"}
    chosen = nodes["SequenceTuner"].outputs["best_hyperparameters"]
    assert nodes["SequenceTrainer"].inputs["hyperparameters"] is chosen


def test_a_search_that_is_not_made_is_no_part_of_what_the_trainer_is_cached_by(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    without, unused, used = (
        create_pipeline(load_config(path, overrides)).components[place].exec_properties["custom_config"]
        for place, overrides in ((5, []), (5, ["tuner.trials=3"]), (6, TUNED))
    )
    assert without == unused
    assert "tuner:" not in without
    assert "tuner:" in used


def test_the_gate_and_where_rows_are_kept_are_no_part_of_what_the_trainer_is_cached_by(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    settings = [
        create_pipeline(load_config(path, overrides)).components[5].exec_properties["custom_config"]
        for overrides in (
            [],
            ["gate.bounds.ndcg_p.min=0.5", "query.k=7"],
            ["feedback.keep_read.mode=never", "feedback.keep_read.folder=kept"],
            ["training.epochs=4"],
        )
    ]
    assert settings[0] == settings[1] == settings[2]
    assert settings[0] != settings[3]
