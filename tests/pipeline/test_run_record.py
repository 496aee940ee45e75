"""What is kept of how a run ended."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from components.gate.report import content
from components.gate.report.intervals import Interval
from pipeline import run_record
from pipeline.events import RunFailed
from pipeline.history import table
from pipeline.run_record import Ended

ROW = content.Row(
    *("ndcg_p", 0.1, 459, Interval(0.08, 0.12), 0.05, None, 0.01, 0.09, 0.01, Interval(-0.01, 0.03), "ok", "It is.")
)
MEASURE = {
    "name": "ndcg_p",
    "value": 0.1,
    "interval": [0.08, 0.12],
    "bounds": [">= 0.05", "loss <= 0.01"],
    "change": 0.01,
    "verdict": "ok",
}


RANDOM = content.AtRandom(1_200, 34, (dataclasses.replace(ROW, min=None, max_loss=None, where="test_random"),))
TOLD = {**MEASURE, "name": "ndcg_p in test_random", "bounds": []}


def outputs_of(folder: Path, at_random: content.AtRandom | None = None) -> dict[str, dict[str, str]]:
    """The outputs of a run that came to its end."""
    (folder / "statistics").mkdir()
    (folder / "report").mkdir()
    measures = [
        {"name": "rows", "value": 3, "low": 90.0, "high": 110.0, "outside": True, "label": "rows"},
        {"name": "users", "value": 3, "low": 1.0, "high": 9.0, "outside": False, "label": "users"},
    ]
    account = {
        "rows": {"read": 1000},
        "users": {"training": 70},
        "items": {"catalogue": 24},
        "times": {"last": 9, "last_date": "2013-09-01 20:27:45 UTC"},
        "warnings": ["one", "two"],
        "drift": {"measures": measures},
    }
    (folder / "statistics" / "statistics.json").write_text(json.dumps(account))
    unbounded = content.Row("hr_p", 0.2, 459, None, None, None, None, None, None, None, "not judged", "")
    rows = (ROW, unbounded)
    report = content.Report(True, "BLESSED", (), True, 10, 459, 449, False, "", "", rows, (), at_random=at_random)
    (folder / "report" / "report.json").write_text(content.to_json(report))
    return {
        "FeedbackGen": {"statistics": str(folder / "statistics")},
        "GateReporter": {"report": str(folder / "report")},
    }


def test_a_run_that_pushed(tmp_path: Path) -> None:
    pushed = {"pushed_destination": "/serving/9", "pushed_version": "9", "is_new": 1}
    verdict = run_record.verdict_of_push(True, pushed)
    ended = Ended(
        verdict, 1_795_872_051.7, 171.96, log="run.log", outputs=outputs_of(tmp_path), pushed=pushed,
        nodes={"Pusher": ("complete", 0.1)},
    )  # fmt: skip
    assert run_record.make("tiny", ended) == {
        "pipeline": "tiny",
        "verdict": "pushed",
        "status": 0,
        "started": "2026-11-28T13:20:51+00:00",
        "seconds": 172.0,
        "version": "9",
        "folder": "/serving/9",
        "node": "",
        "message": "",
        "log": "run.log",
        "warnings": {"feedback": 2, "drift": 1},
        "data": {"rows": 1000, "users": 70, "items": 24, "until": "2013-09-01 20:27:45 UTC"},
        "drift": [{"name": "rows", "value": 3, "low": 90.0, "high": 110.0}],
        "measures": [MEASURE],
        "nodes": {"Pusher": {"state": "complete", "seconds": 0.1}},
        "pages": {
            "feedback": str(tmp_path / "statistics" / "report.html"),
            "gate": str(tmp_path / "report" / "report.html"),
        },
    }


def test_a_model_that_the_gate_refused_has_the_reason(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path)
    path = Path(outputs["GateReporter"]["report"]) / "report.json"
    refused = content.Report(
        False, "NOT BLESSED: 1 of 1 bounded metrics failed. Why.", (), True, 10, 1, 1, True, "", "", (ROW,), ()
    )
    path.write_text(content.to_json(refused), encoding="utf-8")
    record = run_record.make("tiny", Ended(run_record.NOT_BLESSED, 0.0, 0.0, outputs=outputs))
    assert record["message"] == "1 of 1 bounded metrics failed. Why."
    assert record["measures"] == [MEASURE]
    assert table.to_text([record]).splitlines()[2:] == [f"    {record['message']}", "    ndcg_p 0.1000"]


def test_every_bound_is_told(tmp_path: Path) -> None:
    outputs = outputs_of(tmp_path)
    of_slice, of_dislike = (dataclasses.replace(ROW, metric=metric) for metric in ("hr_p", "response_near"))
    report = content.Report(True, "BLESSED", (), True, 10, 1, 1, True, "", "", (ROW,), (), (of_slice,), (of_dislike,))
    (tmp_path / "report" / "report.json").write_text(content.to_json(report), encoding="utf-8")
    record = run_record.make("tiny", Ended(run_record.PUSHED, 0.0, 0.0, outputs=outputs))
    assert [each["name"] for each in record["measures"]] == ["ndcg_p", "hr_p", "response_near"]


@pytest.mark.parametrize(
    ("delivered", "pushed", "verdict", "status"),
    [
        (True, {"is_new": 1}, "pushed", 0),
        (True, {"is_new": 0}, "unchanged", 0),
        (False, {}, "not_blessed", 3),
        (False, {"refused": "not pushed: bad"}, "push_refused", 3),
    ],
)
def test_the_verdict_of_a_run_that_came_to_its_end(
    delivered: bool, pushed: dict[str, object], verdict: str, status: int
) -> None:
    assert run_record.verdict_of_push(delivered, pushed) == verdict
    assert Ended(verdict, 0.0, 0.0).status == status


def test_an_error_that_is_a_decision_is_a_refusal() -> None:
    from components.data_gate.executor import DriftError
    from components.pusher.programs import NotServableError

    found = {
        error: run_record.verdict_of_failure(RunFailed("Node", "why", error))
        for error in (DriftError.__name__, NotServableError.__name__, "OSError", "")
    }
    assert found == {
        "DriftError": "refused_by_drift",
        "NotServableError": "push_refused",
        "OSError": "failed",
        "": "failed",
    }
    assert [run_record.STATUS[verdict] for verdict in found.values()] == [4, 3, 1, 1]


def test_records_are_added_and_the_newest_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = [run_record.make("tiny", Ended(run_record.FAILED, 1e9, 1.0, message=f"ä\n{run}")) for run in range(4)]
    run_record.add(tmp_path, records[0])
    assert not list(tmp_path.iterdir()), "no run has begun there"
    assert run_record.read(tmp_path) == []
    (tmp_path / "logs").mkdir()
    for run, record in enumerate(records):
        run_record.add(tmp_path, record)
        if run == 2:
            with run_record.path_in(tmp_path).open("a") as file:
                file.write('{"pipeline": "tiny", "mess')
    assert run_record.read(tmp_path) == records
    assert "1 line holds no record of a run, and is left out" in caplog.text


def test_signs_that_part_lines_elsewhere_part_no_record(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    record = run_record.make("tiny", Ended(run_record.FAILED, 1e9, 1.0, message="user 'a\u2028b\u0085c' has no item"))
    run_record.add(tmp_path, record)
    # As versions before wrote it.
    with run_record.path_in(tmp_path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, ensure_ascii=False) + "\n")
    assert run_record.read(tmp_path) == [record, record]
    assert len(run_record.line_of(record).splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"data": None},
        {"data": {"rows": 1}},
        {"started": None},
        {"seconds": "long"},
        {"warnings": {}},
        {"measures": [{"name": "ndcg_p"}]},
        {"measures": ["ndcg_p"]},
        {run_record.AT_RANDOM: {"measures": []}},
    ],
)
def test_a_line_that_is_no_record_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, Any]
) -> None:
    (tmp_path / "logs").mkdir()
    good = run_record.make("tiny", Ended(run_record.PUSHED, 1e9, 1.0, outputs=outputs_of(tmp_path)))
    for record in (good, {**good, **change}, {}):
        run_record.add(tmp_path, record)
    with run_record.path_in(tmp_path).open("a") as file:
        file.write('[]\n1\nnull\n"tiny"\n')
    assert run_record.read(tmp_path) == [good]
    assert "6 lines hold no record of a run, and are left out" in caplog.text


def test_what_was_shown_at_random_is_told_whatever_is_bounded(tmp_path: Path) -> None:
    ended = Ended(run_record.PUSHED, 1e9, 70.0, outputs=outputs_of(tmp_path, RANDOM))
    record = run_record.make("tiny", ended)
    assert record["measures"] == [MEASURE]
    assert record["test_random"] == {"targets": {"p": 1200, "n": 34}, "measures": [TOLD]}
    assert run_record.at_random(record) == {"ndcg_p": TOLD}
    assert run_record.at_random(run_record.make("tiny", Ended(run_record.FAILED, 1e9, 70.0))) == {}
