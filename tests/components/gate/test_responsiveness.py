"""The bound on what a dislike does: measured beside TFMA, in one blessing and in the report."""

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from tfx.components import Evaluator
from tfx.components.evaluator import executor as stock
from tfx.types import artifact_utils, channel_utils, standard_artifacts

import pnfrec_artifacts as artifacts
from components.gate import config, evaluator
from components.gate.eval_config import make_eval_config
from components.gate.report import executor, html, render, verdict
from components.gate.responsiveness import RESULT_FILE, Response, ResponsivenessConfig, from_json, response_of, to_json
from tests.components.gate import runs

GATE = config.GateConfig(
    bounds={"ndcg_p": config.BoundConfig(min=0.1)}, responsiveness=ResponsivenessConfig(0.25, targets=7)
)
FOUND = {
    "response_near": 0.3,
    "response_random": 0.0,
    "copy_before": 0.5,
    "copy_after": 0.2,
    "targets": 9,
    "error": 0.1,
}


def channel(kind: Any) -> Any:
    return channel_utils.as_channel([kind()])


def node(gate: config.GateConfig) -> Evaluator:
    return evaluator.evaluator(
        gate,
        examples=channel(standard_artifacts.Examples),
        model=channel(standard_artifacts.Model),
        eval_config=make_eval_config(gate),
        example_splits=["test"],
    )


def test_without_the_bound_it_is_the_stock_evaluator() -> None:
    plain = node(dataclasses.replace(GATE, responsiveness=None))
    assert type(plain) is Evaluator
    assert "responsiveness" not in plain.exec_properties
    asking = node(GATE)
    assert (asking.id, plain.id) == ("Evaluator", "Evaluator")
    settings = json.loads(asking.exec_properties["responsiveness"])
    assert settings.pop("code")
    assert settings == {"bound": {"min": 0.25, "targets": 7}, "k": 10}


@pytest.mark.parametrize(("value", "blessed"), [(0.3, True), (0.25, True), (0.2, False), (math.nan, False)])
@pytest.mark.parametrize("by_tfma", [True, False])
def test_one_blessing_holds_both_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, blessed: bool, by_tfma: bool
) -> None:
    def evaluate(self: Any, inputs: Any, outputs: Any, properties: Any) -> None:
        del self, inputs, properties
        artifact = artifact_utils.get_single_instance(outputs["blessing"])
        Path(artifact.uri, "BLESSED" if by_tfma else "NOT_BLESSED").touch()
        artifact.set_int_custom_property("blessed", int(by_tfma))

    monkeypatch.setattr(stock.Executor, "Do", evaluate)
    asked: list[Any] = []

    def measured(*arguments: Any) -> dict[str, float]:
        asked.append(arguments)
        return {**FOUND, "response_near": value}

    monkeypatch.setattr("pnfrec_keras.evaluation.exported.responsiveness_of", measured)
    examples = runs.make_artifact(standard_artifacts.Examples, tmp_path / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "test", "test_random"])
    model = runs.make_artifact(standard_artifacts.Model, tmp_path / "model")
    blessing = runs.make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    evaluation = runs.make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    evaluator.Executor().Do(
        {"examples": [examples], "model": [model]},
        {"blessing": [blessing], "evaluation": [evaluation]},
        {"responsiveness": node(GATE).exec_properties["responsiveness"]},
    )
    (arguments,) = asked
    assert arguments[1:] == (str(tmp_path / "examples" / "Split-test" / "*"), 10, 7)
    files = [path.name for path in Path(blessing.uri).iterdir()]
    assert files == ["BLESSED" if blessed and by_tfma else "NOT_BLESSED"]
    assert executor.read_blessing(blessing) == (blessed and by_tfma)
    found = from_json(Path(evaluation.uri, RESULT_FILE).read_text())
    assert found.value == (None if math.isnan(value) else value)
    assert (found.targets, found.error, found.copy_before, found.copy_after) == (9, 0.1, 0.5, 0.2)


@pytest.mark.parametrize("value", [0.3, 0.2])
def test_the_report_judges_it_too(evaluator_runs: runs.EvaluatorRuns, tmp_path: Path, value: float) -> None:
    run = evaluator_runs("kept")
    evaluation = runs.make_artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation")
    shutil.copytree(run.evaluation.uri, evaluation.uri, dirs_exist_ok=True)
    blessing = runs.make_artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing")
    kept = value >= 0.25
    Path(blessing.uri, "BLESSED" if kept else "NOT_BLESSED").touch()
    blessing.set_int_custom_property("blessed", int(kept))
    gate = dataclasses.replace(run.case.gate, responsiveness=GATE.responsiveness)
    inputs = {"evaluation": [evaluation], "blessing": [blessing], "model": [run.model]}
    inputs["baseline_model"] = [run.baseline]

    def make(folder: Path) -> Any:
        output = runs.make_artifact(artifacts.GateReport, folder)
        executor.Executor().Do(inputs, {"report": [output]}, {"gate": config.gate_to_json(gate)})
        return verdict.read(folder)

    with pytest.raises(ValueError, match=r"`gate.responsiveness` is set, and the evaluation has no"):
        make(tmp_path / "without")
    Path(evaluation.uri, RESULT_FILE).write_text(to_json(response_of({**FOUND, "response_near": value})))
    made = make(tmp_path / "report")
    assert (made.blessed, made.agrees) == (kept, True)
    (row,) = made.response_rows
    assert (row.value, row.min, row.examples, row.verdict) == (value, 0.25, 9, "ok" if kept else "fail")
    assert row.interval is not None
    assert row.interval.low == pytest.approx(value - 0.19599639845)
    text = render.to_text(made)
    told = f"response_near {value:.4f} {'is not' if kept else 'is'} below its `min` of 0.25"
    assert told in " ".join(text.split())
    assert told.replace("`", "") in html.to_html(made).replace("`", "")
    count = "all 4 bounded metrics" if kept else "1 of 4 bounded metrics failed"
    assert count in made.headline
    # A blessing that says otherwise is a contradiction.
    before, after = ("BLESSED", "NOT_BLESSED") if kept else ("NOT_BLESSED", "BLESSED")
    Path(blessing.uri, before).rename(Path(blessing.uri, after))
    blessing.set_int_custom_property("blessed", int(not kept))
    with pytest.raises(RuntimeError, match="contradict each other"):
        make(tmp_path / "contradiction")


def test_settings() -> None:
    assert config.gate_from_json(config.gate_to_json(GATE)) == GATE
    with pytest.raises(ValueError, match=r"`gate.responsiveness.min` must be a finite number. Received: nan"):
        ResponsivenessConfig(math.nan)
    with pytest.raises(ValueError, match=r"`gate.responsiveness.targets` must be 0, for all, or more. Received: -1"):
        ResponsivenessConfig(0.1, -1)
    assert not Response(None, None, 0).holds(ResponsivenessConfig(-9.0))
