"""GateReporter on what the stock Evaluator wrote."""

import json
import math
import pathlib
from typing import Any

import pytest
import yaml
from tfx.types import standard_artifacts

import pnfrec_artifacts as artifacts
from components.gate import config
from components.gate.report import content, executor, results, verdict
from pnfrec_keras.export.ranking import Ranking
from tests.components.gate import runs, world
from tests.components.gate.card import records


def make_report(run: runs.Run, folder: pathlib.Path, gate: config.GateConfig | None = None) -> content.Report:
    output = runs.make_artifact(artifacts.GateReport, folder)
    inputs = {"evaluation": [run.evaluation], "blessing": [run.blessing], "model": [run.model]}
    if run.case.with_baseline:
        inputs["baseline_model"] = [run.baseline]
    executor.Executor().Do(inputs, {"report": [output]}, {"gate": config.gate_to_json(gate or run.case.gate)})
    return verdict.read(folder)


def test_blessed(evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path) -> None:
    run = evaluator_runs("kept")
    made = make_report(run, tmp_path)
    assert made.blessed
    assert made.headline == "BLESSED: all 3 bounded metrics that could be judged are within their bounds."
    assert {row.metric: row.value for row in made.rows} == pytest.approx(world.CANDIDATE_METRICS)
    told = {name: None if math.isnan(value) else value for name, value in world.BASELINE_METRICS.items()}
    assert {row.metric: row.baseline for row in made.rows} == pytest.approx(told)
    assert [row.metric for row in made.rows if row.verdict == "ok"] == ["hr_n", "ndcg_p", "coverage"]
    assert (made.count_p, made.count_n, made.k) == (4, 3, 3)
    assert (made.model, made.baseline_model) == (run.model.uri, run.baseline.uri)
    assert [(part.feature, part.value, part.count_p, part.count_n) for part in made.slices] == [
        ("history_length_bucket", "0-4", 2, 1),
        ("history_length_bucket", "5-9", 2, 2),
        ("target_popularity_bucket", "head", 2, 1),
        ("target_popularity_bucket", "middle", 1, 1),
        ("target_popularity_bucket", "tail", 1, 1),
    ]
    assert made.slices[0].metrics == pytest.approx(world.CANDIDATE_SHORT_HISTORY)


def test_baselines_that_are_gone_are_told(evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path) -> None:
    run = evaluator_runs("first")
    gone = runs.make_artifact(standard_artifacts.Model, tmp_path / "deleted")
    inputs = {"evaluation": [run.evaluation], "blessing": [run.blessing], "model": [run.model]}
    output = runs.make_artifact(artifacts.GateReport, tmp_path / "report")
    properties = {"gate": config.gate_to_json(run.case.gate)}
    executor.Executor().Do({**inputs, "gone_baselines": [gone]}, {"report": [output]}, properties)
    (note,) = verdict.read(tmp_path / "report").notes
    assert note == (
        f"The files of the last blessed model are gone ({gone.uri}), so change bounds are not judged this time."
    )


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("slices_kept", []),
        (
            "slices_broken",
            [
                "hr_p in history_length_bucket = 5-9",
                "mrr_p in target_popularity_bucket = head",
                "gini in target_popularity_bucket = tail",
                "ndcg_p in target_popularity_bucket = tail",
            ],
        ),
        ("slices_few", []),
    ],
)
def test_bounds_on_slices_are_judged_as_by_the_evaluator(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path, name: str, failed: list[str]
) -> None:
    made = make_report(evaluator_runs(name), tmp_path)
    assert made.agrees
    assert [row.name for row in made.failures] == failed
    # The slice of the longest histories has no user, and in the last case no slice has three of a group.
    unjudged = [row.name for row in made.slice_rows if row.verdict == "not judged"]
    assert "ndcg_p in history_length_bucket = 50+" in unjudged
    assert len(unjudged) == (len(made.slice_rows) if name == "slices_few" else 1)


def test_files(evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path) -> None:
    make_report(evaluator_runs("kept"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("model_card.html", "model_card.md", "report.html", "report.json", "report.txt"),
    ]
    text = (tmp_path / "report.txt").read_text(encoding="utf-8")
    assert text.startswith("BLESSED: all 3 bounded metrics")
    # Of hr_p 2 of 4: Wilson's interval is 0.1500 to 0.8500.
    assert "hr_p        0.5000   0.1500..0.8500  4                 0.5000  +0.0000  not judged\n" in text
    assert "<strong>BLESSED</strong>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_model_card_holds_what_the_run_has_written_down(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path
) -> None:
    run = evaluator_runs("kept")
    trained = runs.make_artifact(standard_artifacts.Model, tmp_path / "model")
    trained.mlmd_artifact.create_time_since_epoch = 1_795_900_387_000
    extra = tmp_path / "model" / "Format-Serving" / "assets.extra"
    extra.mkdir(parents=True)
    (extra / "manifest.json").write_text(json.dumps(records.MANIFEST))
    (extra / "config.yaml").write_text(yaml.safe_dump(records.CONFIG))
    (extra / "ranking.json").write_text(records.RANKING.to_json())
    statistics = runs.make_artifact(artifacts.FeedbackStatistics, tmp_path / "statistics")
    (tmp_path / "statistics" / "statistics.json").write_text(json.dumps(records.STATISTICS))
    output = runs.make_artifact(artifacts.GateReport, tmp_path / "report")
    inputs = {"evaluation": [run.evaluation], "blessing": [run.blessing], "model": [trained]}
    inputs |= {"baseline_model": [run.baseline], "statistics": [statistics]}
    properties = {"gate": config.gate_to_json(run.case.gate)}
    executor.Executor().Do(inputs, {"report": [output]}, properties)
    text = (tmp_path / "report" / "model_card.md").read_text(encoding="utf-8")
    assert text.startswith("# Model card: tweets\n")
    for line in (
        "- **Date of training**: 2026-11-28 21:13 UTC",
        "- **Width (dim)**: 32",
        "- **Rule of its lists**: `like_odds`",
        "- **Read**: 2,000 rows, 120 users, 70 items",
        "- **Trained with keras**: 3.12.4",
        # Of hr_p 2 of 4, as in the report.
        "| hr_p | 0.5000 | 0.1500 to 0.8500 | 4 |",
    ):
        assert line in text
    page = (tmp_path / "report" / "model_card.html").read_text(encoding="utf-8")
    assert "<h1>Model card: tweets</h1>" in page
    for targets in ("last", "successive"):
        told = json.dumps({**records.STATISTICS, "targets": targets})
        (tmp_path / "statistics" / "statistics.json").write_text(told)
        executor.Executor().Do(inputs, {"report": [output]}, properties)
        report = verdict.read(tmp_path / "report")
        assert report.threshold == records.STATISTICS["positive"]["threshold"]
        notes = report.notes
        assert any("Several targets of one user" in note for note in notes) == (targets == "successive")
    (extra / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match=r"manifest\.json: cannot be read for the model card .*export again"):
        executor.Executor().Do(inputs, {"report": [output]}, properties)


def test_refused_with_reasons(evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path) -> None:
    made = make_report(evaluator_runs("broken"), tmp_path)
    assert not made.blessed
    assert made.agrees
    # Changes of NDCG, by user: a 1 - 0.6309, b 0.5 - 0, c 0 - 1, d 0; mean -0.0327, standard error 0.3394.
    assert [row.sentence for row in made.failures] == [
        "hr_n is 0.3333, above the bound of 0.3.",
        "ndcg_p fell by 0.0327 from the last blessed model's 0.4077 (95 % interval of the change -0.6979 to +0.6324); "
        "it may be at most 0.03 lower.",
    ]


def test_the_list_without_dislikes_is_judged_as_by_the_evaluator(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path
) -> None:
    made = make_report(evaluator_runs("default"), tmp_path)
    assert made.agrees
    assert [row.metric for row in made.failures] == ["default_hr_n", "default_mrr_n"]
    found = {row.metric: row.value for row in made.rows if config.is_default(row.metric)}
    assert found == pytest.approx(world.CANDIDATE_DEFAULT_METRICS)
    [row] = [row for row in made.rows if row.metric == "default_mrr_n"]
    # Changes by user: e 0 - 1, f 1/2 - 1/3, g 1 - 0; mean 0.0556, standard error 0.5800.
    assert row.change == pytest.approx(1 / 18)
    assert row.change_interval == pytest.approx((1 / 18 - 1.96 * 0.58, 1 / 18 + 1.96 * 0.58), abs=1e-3)


def test_a_rule_that_asks_for_dislikes_and_no_bound_on_the_list_without_is_noted(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path
) -> None:
    run = evaluator_runs("first")
    written = pathlib.Path(run.model.uri) / "Format-Serving" / "assets.extra" / "ranking.json"
    written.parent.mkdir()
    try:
        for rule, gamma, noted in (("like_odds", 1.0, True), ("like_odds", 0.0, False), ("like_rate", 1.0, False)):
            written.write_text(Ranking(rule, gamma, 0.0, 10, asks_dislikes=noted).to_json())
            made = make_report(run, tmp_path / f"{rule}{gamma}")
            assert any("serving_default does not weigh that" in note for note in made.notes) == noted
    finally:
        written.unlink()
        written.parent.rmdir()


def test_first_model(evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path) -> None:
    made = make_report(evaluator_runs("first"), tmp_path)
    assert made.blessed
    assert made.notes == ("No blessed model yet: change bounds are not judged.",)
    assert {row.verdict for row in made.rows} == {"not judged"}


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("undefined", ["hr_n", "mrr_n"]),
        ("undefined_change", ["hr_n", "ndcg_n"]),
        ("undefined_first", ["hr_n", "ndcg_n"]),
        ("unbounded_undefined", ["hr_n"]),
        ("empty", ["hr_p", "hr_n", "ndcg_p"]),
    ],
)
def test_undefined_metrics_fail(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path, name: str, failed: list[str]
) -> None:
    made = make_report(evaluator_runs(name), tmp_path)
    assert not made.blessed
    assert made.agrees
    assert [row.metric for row in made.failures] == failed
    assert all("is undefined: the evaluated split has no example of the" in row.sentence for row in made.failures)


def test_other_bounds_than_the_evaluators_are_found_out(
    evaluator_runs: runs.EvaluatorRuns, tmp_path: pathlib.Path
) -> None:
    stricter = runs.gate(ndcg_p=config.BoundConfig(min=0.9))
    with pytest.raises(RuntimeError, match="NOT BLESSED: this report and TFX's blessing contradict each other"):
        make_report(evaluator_runs("kept"), tmp_path, stricter)
    written = verdict.read(tmp_path)
    assert (written.blessed, written.agrees) == (False, False)
    assert written.notes[0].startswith(
        "By this report the model fails, by TFMA's validation it passes, and TFX's blessing is blessed."
    )
    wider = runs.gate(ndcg_p=config.BoundConfig(min=0.0))
    with pytest.raises(
        RuntimeError, match=r"TFMA's failures: hr_n \(value 0.333333\): out of bounds; ndcg_p \(change -0.03"
    ):
        make_report(evaluator_runs("broken"), tmp_path, wider)


def test_a_baseline_must_be_wired_to_both(evaluator_runs: runs.EvaluatorRuns) -> None:
    with pytest.raises(ValueError, match="should be one without a baseline"):
        results.read_evaluation(evaluator_runs("kept").evaluation.uri, has_baseline=False)
    with pytest.raises(ValueError, match="should be one with a baseline"):
        results.read_evaluation(evaluator_runs("first").evaluation.uri, has_baseline=True)


def test_no_evaluation(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="There is no evaluation in"):
        results.read_evaluation(str(tmp_path), has_baseline=False)


def make_blessing(folder: pathlib.Path, files: list[str], blessed: int) -> Any:
    artifact = runs.make_artifact(standard_artifacts.ModelBlessing, folder)
    for name in files:
        (folder / name).touch()
    artifact.set_int_custom_property("blessed", blessed)
    return artifact


@pytest.mark.parametrize(
    ("files", "blessed", "expected"), [(["BLESSED"], 1, True), (["NOT_BLESSED"], 0, False), ([], 0, None)]
)
def test_read_blessing(tmp_path: pathlib.Path, files: list[str], blessed: int, expected: bool | None) -> None:
    assert executor.read_blessing(make_blessing(tmp_path, files, blessed)) is expected


@pytest.mark.parametrize(
    ("files", "blessed"), [(["BLESSED"], 0), (["NOT_BLESSED"], 1), (["BLESSED", "NOT_BLESSED"], 1)]
)
def test_blessing_that_contradicts_itself(tmp_path: pathlib.Path, files: list[str], blessed: int) -> None:
    with pytest.raises(RuntimeError, match="contradicts itself"):
        executor.read_blessing(make_blessing(tmp_path, files, blessed))
