"""Bounds that hold for one slice: verdicts, sentences, and what text and page show of them."""

import json
from typing import Any

import pytest

from components.gate import config
from components.gate.report import content, html, judge, render
from components.gate.report.content import Report
from components.gate.report.measured import SliceValues
from tests.components.gate.report import examples

TAIL, HEAD = "target_popularity_bucket = tail", "target_popularity_bucket = head"
SLICES = (
    SliceValues("target_popularity_bucket", "head", {**examples.CANDIDATE, "count_p": 400.0}, examples.BASELINE),
    SliceValues(
        "target_popularity_bucket",
        "tail",
        {**examples.CANDIDATE, "ndcg_p": 0.0, "count_p": 31.0, "count_n": 29.0},
        {**examples.BASELINE, "ndcg_p": 0.02},
    ),
)


def make_report(bounds: dict[str, dict[str, dict[str, float]]], blessing: bool, least: int = 30) -> Report:
    slice_bounds = {
        value: {metric: config.BoundConfig(**bound) for metric, bound in by_metric.items()}
        for value, by_metric in bounds.items()
    }
    gate = config.GateConfig(
        bounds={"ndcg_p": config.BoundConfig(min=0.1)},
        slice_bounds={"target_popularity_bucket": slice_bounds},
        slice_min_targets=least,
    )
    evaluation = examples.evaluation(baseline=examples.BASELINE, validation_ok=blessing, slices=SLICES)
    return judge.build_report(gate, evaluation, blessing=blessing)


BROKEN: Any = {"tail": {"ndcg_p": {"min": 0.001, "max_loss": 0.01}}, "head": {"hr_p": {"min": 0.1}}}


def test_a_broken_bound_refuses_the_model_and_says_of_which_slice() -> None:
    report = make_report(BROKEN, blessing=False)
    assert report.agrees
    assert report.headline == (
        "NOT BLESSED: 1 of 3 bounded metrics failed. ndcg_p in target_popularity_bucket = tail is 0.0000, below the "
        "bound of 0.001. ndcg_p in target_popularity_bucket = tail fell by 0.0200 from the last blessed model's "
        "0.0200; it may be at most 0.01 lower."
    )
    assert [(row.name, row.verdict, row.examples) for row in report.slice_rows] == [
        (f"hr_p in {HEAD}", "ok", 400),
        (f"ndcg_p in {TAIL}", "fail", 31),
    ]


def test_the_blessing_must_say_the_same() -> None:
    report = make_report(BROKEN, blessing=True)
    assert not report.agrees
    assert not report.blessed


def test_kept_bounds_bless() -> None:
    report = make_report({"tail": {"ndcg_p": {"min": 0.0}}, "head": {"gini": {"max": 0.9}}}, blessing=True)
    assert report.blessed
    assert report.headline == "BLESSED: all 3 bounded metrics that could be judged are within their bounds."


@pytest.mark.parametrize(
    ("bounds", "least", "sentence"),
    [
        (
            {"tail": {"ndcg_p": {"min": 0.001}}},
            32,
            f"ndcg_p in {TAIL} is not judged: the slice has 31 targets of the positive group, and "
            "`gate.slice_min_targets` asks for 32.",
        ),
        (
            {"tail": {"ndcg_delta": {"min": 0.5}}},
            30,
            f"ndcg_delta in {TAIL} is not judged: the slice has 29 targets of its smaller group, and "
            "`gate.slice_min_targets` asks for 30.",
        ),
        (
            {"tail": {"gini": {"max": 0.1}}},
            61,
            f"gini in {TAIL} is not judged: the slice has 60 targets, and `gate.slice_min_targets` asks for 61.",
        ),
        (
            {"middle": {"hr_n": {"max": 0.0, "max_loss": 0.0}}},
            1,
            "hr_n in target_popularity_bucket = middle is not judged: the slice has no target of the negative group, "
            "and `gate.slice_min_targets` asks for 1.",
        ),
    ],
)
def test_few_targets_or_none_are_not_judged_and_the_report_says_so(bounds: Any, least: int, sentence: str) -> None:
    report = make_report(bounds, blessing=True, least=least)
    assert report.blessed
    [row] = report.slice_rows
    assert (row.verdict, row.value, row.sentence) == ("not judged", None, sentence)
    assert sentence in report.notes
    assert sentence in " ".join(render.to_text(report).split())
    assert sentence.replace("`", "`") in html.to_html(report)


def test_from_as_many_targets_on_it_is_judged() -> None:
    assert make_report({"tail": {"ndcg_p": {"min": 0.001}}}, blessing=False, least=31).slice_rows[0].verdict == "fail"


def test_text_and_page_have_a_table_of_them_and_json_keeps_them() -> None:
    report = make_report(BROKEN, blessing=False)
    lines = render.to_text(report).splitlines()
    table = lines[lines.index("Bounds on slices") + 3 :]
    assert table[0] == HEAD
    assert table[1].split()[:2] == ["hr_p", "0.2000"]
    assert table[2] == TAIL
    assert table[3].split() == [
        *("ndcg_p", "0.0000", "0.0000..0.0196", "31", ">=", "0.001", "0.0200", "-0.0200", "FAIL"),
    ]
    assert max(map(len, lines)) <= render.WIDTH
    page = html.to_html(report)
    assert "<h2>Bounds on slices</h2>" in page
    assert "bounds that hold for one stand above" in page
    text = content.to_json(report)
    assert content.from_json(text) == report
    earlier = json.loads(text)
    del earlier["slice_rows"]
    assert content.from_json(json.dumps(earlier)).slice_rows == (), "a report from before"
