"""The wiring, without running it."""

from pathlib import Path

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
        "Pusher",
    ]
    upstream = {name: {node.id for node in component.upstream_nodes} for name, component in nodes.items()}
    assert upstream["SequenceTrainer"] == {"FeedbackGen", "ImportSchemaGen", "AnomalyGate"}
    # FeedbackGen for the account of the newest day.
    assert upstream["AnomalyGate"] == {"FeedbackGen", "ExampleValidator"}
    assert upstream["Evaluator"] == {"FeedbackGen", "SequenceTrainer", "LastBlessedModel"}
    # FeedbackGen for the users of the replay.
    assert upstream["Pusher"] == {"FeedbackGen", "SequenceTrainer", "Evaluator", "GateReporter"}
    assert pipeline.enable_cache
    assert pipeline.beam_pipeline_args[0] == "--runner=DirectRunner"


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


def test_the_gate_is_no_part_of_what_the_trainer_is_cached_by(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    settings = [
        create_pipeline(load_config(path, overrides)).components[5].exec_properties["custom_config"]
        for overrides in ([], ["gate.bounds.ndcg_p.min=0.5", "query.k=7"], ["training.epochs=4"])
    ]
    assert settings[0] == settings[1]
    assert settings[0] != settings[2]
