import json
import pathlib
import subprocess
import sys

import pytest

from components.gate.report import content, judge, sentences, verdict
from tests.components.gate.report import examples


@pytest.mark.parametrize(
    "made",
    [
        examples.refused_report(),
        judge.build_report(
            examples.gate(ndcg_p={"max_loss": 0.1}), examples.evaluation(examples.NO_NEGATIVES), blessing=True
        ),
    ],
)
def test_json_round_trip(made: content.Report, tmp_path: pathlib.Path) -> None:
    (tmp_path / "report.json").write_text(content.to_json(made), encoding="utf-8")
    assert verdict.read(tmp_path) == made
    assert verdict.read(tmp_path / "report.json") == made


def test_intervals_on_several_targets_of_a_user_say_what_they_take_for_granted() -> None:
    gate, evaluation = examples.gate(ndcg_p={"min": 0.1}), examples.evaluation()
    plain = judge.build_report(gate, evaluation, blessing=True)
    made = judge.build_report(gate, evaluation, blessing=True, successive_targets=True)
    assert made.notes == (*plain.notes, sentences.SEVERAL_TARGETS)
    assert made.rows == plain.rows


def test_json_of_an_undefined_metric() -> None:
    evaluation = examples.evaluation(examples.NO_NEGATIVES, validation_ok=False)
    made = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), evaluation, blessing=False)
    fields = json.loads(content.to_json(made))
    assert fields["blessed"] is False
    [row] = [row for row in fields["rows"] if row["metric"] == "mrr_n"]
    assert row == {
        "metric": "mrr_n",
        "value": None,
        "examples": 0,
        "interval": None,
        "min": None,
        "max": None,
        "max_loss": None,
        "baseline": None,
        "change": None,
        "change_interval": None,
        "verdict": "not judged",
        "sentence": "mrr_n is undefined: the evaluated split has no example of the negative group.",
        "where": "",
    }


def test_no_report(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no report of the gate at .*report\.json"):
        verdict.read(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", "{", '{"rows": [], "slices": [], "notes": []}'])
def test_not_a_report(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "report.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="This is no report of the gate"):
        verdict.read(tmp_path)


def test_reading_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from components.gate.report import judge, render, html, verdict\n"
        "print(sorted({'tensorflow', 'tfx', 'tensorflow_model_analysis', 'apache_beam'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
