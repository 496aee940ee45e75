"""What was shown at random, measured beside the test split by the Evaluator, and told by the report and the card."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from tfx.components import Evaluator
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

import pnfrec_artifacts as artifacts
from components.gate import config, evaluator
from components.gate.eval_config import make_eval_config
from components.gate.report import content, executor, html, judge, render, results, verdict
from components.gate.report.measured import SliceValues
from pnfrec_core import schema
from tests.components.gate import runs, world
from tests.components.gate.report import examples
from tests.components.gate.test_responsiveness import GATE, channel

SPLIT = schema.TEST_RANDOM_SPLIT
SHORT = {user: fields for user, fields in world.USERS.items() if fields[1] == "0-4"}


def node(gate: config.GateConfig, *, at_random: bool = True) -> Evaluator:
    return evaluator.evaluator(
        gate,
        at_random=at_random,
        examples=channel(standard_artifacts.Examples),
        model=channel(standard_artifacts.Model),
        baseline_model=channel(standard_artifacts.Model),
        eval_config=make_eval_config(gate),
        example_splits=[schema.TEST_SPLIT],
        module_path=runs.FAST,
    )


def evaluated(run: runs.Run, folder: Path, users: dict[str, tuple[int, str, str]]) -> runs.Run:
    """The evaluation of a run, made anew by our node, with examples of what was shown at random."""
    for split, of_split in ((schema.TEST_SPLIT, run.case.users), (SPLIT, users)):
        world.write_users(folder / "examples", split, dict(of_split))
    examples = runs.make_artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names([schema.TEST_SPLIT, SPLIT])
    made = dataclasses.replace(
        run,
        evaluation=runs.make_artifact(standard_artifacts.ModelEvaluation, folder / "evaluation"),
        blessing=runs.make_artifact(standard_artifacts.ModelBlessing, folder / "blessing"),
    )
    inputs = {"examples": [examples], "model": [made.model]}
    inputs |= {"baseline_model": [made.baseline]} if run.case.with_baseline else {}
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(runs.BEAM_ARGS), tmp_dir=str(folder / "tmp"), unique_id="random"
    )
    outputs = {"evaluation": [made.evaluation], "blessing": [made.blessing]}
    evaluator.Executor(context).Do(inputs, outputs, dict(node(run.case.gate).exec_properties))
    return made


def report_of(run: runs.Run, folder: Path) -> content.Report:
    inputs = {"evaluation": [run.evaluation], "blessing": [run.blessing], "model": [run.model]}
    inputs |= {"baseline_model": [run.baseline]} if run.case.with_baseline else {}
    output = runs.make_artifact(artifacts.GateReport, folder)
    executor.Executor().Do(inputs, {"report": [output]}, {"gate": config.gate_to_json(run.case.gate)})
    return verdict.read(folder)


def test_only_where_there_is_such_a_log_is_it_another_evaluator() -> None:
    plain = dataclasses.replace(GATE, responsiveness=None)
    assert type(node(plain, at_random=False)) is Evaluator
    asking = node(plain)
    assert asking.id == "Evaluator"
    settings = json.loads(asking.exec_properties["at_random"])
    assert sorted(settings) == ["code", "eval_config"]
    assert "responsiveness" not in asking.exec_properties
    # Other measures are another result; another bound is none, for what nothing is judged by.
    longer, bounded = (
        node(dataclasses.replace(plain, **change)).exec_properties["at_random"]
        for change in ({"k": 11}, {"bounds": {"hr_n": config.BoundConfig(max=0.5)}})
    )
    assert longer != asking.exec_properties["at_random"] == bounded
    assert {"at_random", "responsiveness"} <= set(node(GATE).exec_properties)


@pytest.fixture(scope="module")
def shown(evaluator_runs: runs.EvaluatorRuns, tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    """An evaluation with what was shown at random."""
    return evaluated(evaluator_runs("kept"), tmp_path_factory.mktemp("shown"), SHORT)


def test_it_is_measured_beside_the_test_and_changes_nothing_of_it(
    evaluator_runs: runs.EvaluatorRuns, shown: runs.Run, tmp_path: Path
) -> None:
    assert shown.blessed
    made, before = report_of(shown, tmp_path / "report"), report_of(evaluator_runs("kept"), tmp_path / "before")
    found = made.at_random
    assert found is not None
    assert (found.count_p, found.count_n) == (2, 1)
    assert {row.metric: row.value for row in found.rows} == pytest.approx(world.CANDIDATE_SHORT_HISTORY)
    assert {row.verdict for row in found.rows} == {"not judged"}
    # The very rows that the examples have as a slice of the test split: intervals, baseline and changes too.
    (hr_p,) = (row for row in found.rows if row.metric == "hr_p")
    assert hr_p.interval is not None
    assert (hr_p.value, hr_p.baseline, hr_p.change, hr_p.examples) == (1.0, 0.5, 0.5, 2)
    assert hr_p.interval.low == pytest.approx(0.3423802)
    assert dataclasses.replace(made, at_random=None) == before
    assert before.at_random is None
    with_it, without = (json.loads((tmp_path / name / "report.json").read_text()) for name in ("report", "before"))
    assert set(with_it) - set(without) == {"at_random"}
    assert content.from_json(content.to_json(made)) == made


def test_the_report_and_the_card_tell_it(shown: runs.Run, tmp_path: Path) -> None:
    made = report_of(shown, tmp_path / "report")
    text, page = (tmp_path / "report" / name for name in ("report.txt", "report.html"))
    title = "What was shown at random (test_random; no bound applies): 2 examples of group p, 1 of group n"
    head, _, table = text.read_text().partition(f"\n{title}\n")
    assert head == text_before(made, head)
    own = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    assert own["hr_p"] == ["hr_p", "1.0000", "0.3424..1.0000", "2", "0.5000", "+0.5000", "not", "judged"]
    assert own["coverage"][:2] == ["coverage", "0.6250"]
    section = page.read_text(encoding="utf-8").partition("<h2>What was shown at random <span")[2].partition("<h2>")[0]
    assert "<p>2 examples of group p, 1 of group n.</p>" in section
    assert section.count("<svg") == len(made.at_random.rows if made.at_random else ())
    card = (tmp_path / "report" / "model_card.md").read_text(encoding="utf-8")
    _, told, rest = card.partition("What was shown at random (test_random; no bound applies): the same measures where")
    assert told
    assert "| hr_p | 1.0000 |" in rest.partition("\n## ")[0]
    assert "with a disliked one" in (tmp_path / "report" / "model_card.html").read_text(encoding="utf-8")


def text_before(made: content.Report, head: str) -> str:
    """What stands above it in the text: the same as without."""
    whole = render.to_text(dataclasses.replace(made, at_random=None))
    assert whole.startswith(head)
    return whole[: len(head)]


def test_none_of_it_holds_nothing_back(evaluator_runs: runs.EvaluatorRuns, tmp_path: Path) -> None:
    run = evaluated(evaluator_runs("first"), tmp_path, {})
    assert run.blessed
    made = report_of(run, tmp_path / "report")
    assert (made.blessed, made.agrees) == (True, True)
    assert made.at_random == content.AtRandom(0, 0, ())
    none = "There is no target; the account of the feedback says why."
    told = f"What was shown at random (test_random; no bound applies): {none}"
    assert told in " ".join(render.to_text(made).split())
    assert f"<p>{none}</p>" in html.to_html(made)
    assert told in (tmp_path / "report" / "model_card.md").read_text(encoding="utf-8")


def test_likes_alone_hold_nothing_back() -> None:
    gate = examples.gate(ndcg_p={"min": 0.1}, hr_n={"max": 0.9})
    values = SliceValues("", "", examples.NO_NEGATIVES, None)
    made = judge.build_report(gate, examples.evaluation(), blessing=True, at_random=values)
    assert (made.blessed, made.agrees) == (True, True)
    assert made.at_random is not None
    found = {row.metric: row for row in made.at_random.rows}
    assert (found["hr_n"].value, found["hr_n"].verdict, found["hr_n"].bounds) == (None, "not judged", ())
    assert found["hr_n"].sentence == (
        "hr_n in test_random is undefined: the evaluated split has no example of the negative group."
    )
    assert found["ndcg_p"].value == examples.NO_NEGATIVES["ndcg_p"]


def test_an_evaluation_from_before_has_none(evaluator_runs: runs.EvaluatorRuns, tmp_path: Path) -> None:
    shutil.copytree(evaluator_runs("kept").evaluation.uri, tmp_path / "evaluation")
    assert results.read_random(str(tmp_path / "evaluation")) is None
