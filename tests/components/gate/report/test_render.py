import dataclasses
import math

from components.gate.config import BoundConfig, GateConfig
from components.gate.report import judge, render
from tests.components.gate.report import examples

EXPECTED = """\
NOT BLESSED: 2 of 3 bounded metrics failed. They are hr_n, ndcg_p.

Why:
  - hr_n is 0.1000, above the bound of 0.08.
  - ndcg_p fell by 0.0100 from the last blessed model's 0.1300 (95 % interval of the change -0.0178
    to -0.0022); it may be at most 0.005 lower.

At k = 10: 500 examples of group p, 400 of group n
metric       value   95 % interval    n  bound            last   change  verdict
----------  ------  --------------  ---  -------------  ------  -------  ----------
hr_p        0.2000  0.1673..0.2373  500                 0.1800  +0.0200  not judged
hr_n        0.1000  0.0743..0.1333  400  <= 0.08        0.1000  +0.0000  FAIL
hr_delta    0.1000  0.0533..0.1453  900                 0.0800  +0.0200  not judged
ndcg_p      0.1200  0.1004..0.1396  500  >= 0.1         0.1300  -0.0100  FAIL
                                         loss <= 0.005
ndcg_n      0.0500  0.0402..0.0598  400                 0.0500  +0.0000  not judged
ndcg_delta  0.0700  0.0481..0.0919  900                 0.0800  -0.0100  not judged
mrr_p       0.1000  0.0843..0.1157  500                 0.1000  +0.0000  not judged
mrr_n       0.0400  0.0322..0.0478  400                 0.0400  +0.0000  not judged
mrr_delta   0.0600  0.0425..0.0775  900                 0.0600  +0.0000  not judged

The lists of all, 10 items each
metric           value  bound     last   change  verdict
--------------  ------  ------  ------  -------  ----------
coverage        0.3125  >= 0.3  0.2500  +0.0625  ok
gini            0.9000          0.9200  -0.0200  not judged
novelty         9.5000          9.2500  +0.2500  not judged
diversity       0.7500               -        -  not judged
miscalibration  0.2500               -        -  not judged
list_head       0.7500               -        -  not judged
list_middle     0.2500               -        -  not judged
list_tail       0.0000               -        -  not judged
target_head     0.5000               -        -  not judged
target_middle   0.3000               -        -  not judged
target_tail     0.2000               -        -  not judged

Slices (no bound applies to them)
slice                     n(p)  n(n)  ndcg_p  ndcg_n  ndcg_delta    hr_p    hr_n  hr_delta
------------------------  ----  ----  ------  ------  ----------  ------  ------  --------
history_length_bucket
  5-9                       20     0  0.1200       -           -  0.2000  0.1000    0.1000
  10-19                     20     0  0.1200       -           -  0.2000  0.1000    0.1000
target_popularity_bucket
  head                      20     0  0.1200       -           -  0.2000  0.1000    0.1000

p: targets that were liked (higher is better); n: targets that were disliked, so hits are false
positives (lower is better); delta: p - n. A miss counts 0.
The lists of all: gini is 0 where all items stand in as many lists and near 1 where few have
everything; novelty is the mean of -log2 of the share of the training interactions, in bits;
diversity, where items have groups, is the share of the pairs in a list that come from two groups;
list_ and target_ are the shares of each popularity bucket in the lists and in the liked targets,
and miscalibration is half the sum of their differences.
95 % intervals: Wilson (HR), Newcombe (HR difference), normal from the standard error (NDCG, MRR),
changes paired by example. They assume that examples are independent of each other.
"""


def test_whole_text() -> None:
    assert render.to_text(examples.refused_report()) == EXPECTED


def test_one_failure_is_told_once_and_a_first_model_as_such() -> None:
    gate = examples.gate(ndcg_p={"min": 0.2, "max_loss": 0.1})
    text = render.to_text(judge.build_report(gate, examples.evaluation(validation_ok=False), blessing=False))
    assert text.startswith(
        "NOT BLESSED: 1 of 1 bounded metrics failed. ndcg_p is 0.1200, below the bound of 0.2.\n\n"
        "No blessed model yet: change bounds are not judged.\n\n"
        "At k = 10: 500 examples of group p, 400 of group n\n"
    )
    assert "Slices" not in text


def test_the_list_without_dislikes_is_reported_where_it_is_bounded() -> None:
    default = {f"default_{name}": value for name, value in examples.CANDIDATE.items()}
    candidate = {**examples.CANDIDATE, **default}
    gate = examples.gate(default_hr_n={"max": 0.12}, default_ndcg_delta={"min": 0.0})
    text = render.to_text(judge.build_report(gate, examples.evaluation(candidate), blessing=True))
    lines = text.splitlines()
    below = lines[lines.index("default_") + 1 :]
    assert below[0].split() == ["hr_p", "0.2000", "0.1673..0.2373", "500", "-", "-", "not", "judged"]
    assert below[1].split() == ["hr_n", "0.1000", "0.0743..0.1333", "400", "<=", "0.12", "-", "-", "ok"]
    assert [line.split()[0] for line in below[2:6]] == ["hr_delta", "ndcg_p", "ndcg_n", "ndcg_delta"]
    assert lines.count("default_") == 1
    assert "default_: the same of the list that serving_default answers with, which leaves out what" in text
    assert max(map(len, text.splitlines())) <= render.WIDTH
    assert "default_" not in render.to_text(examples.refused_report())


def test_no_line_is_wider_than_a_terminal() -> None:
    report = examples.refused_report()
    wide = dataclasses.replace(
        report,
        count_p=54_321_000,
        rows=tuple(
            dataclasses.replace(
                row, value=-0.1234, baseline=-0.1234, examples=54_321_000, max_loss=0.00125, min=-0.00125
            )
            for row in report.rows
        ),
        slices=tuple(dataclasses.replace(part, count_p=54_321, count_n=54_321) for part in report.slices),
    )
    assert max(map(len, render.to_text(wide).splitlines())) <= 100


def test_diversity_is_told_where_items_have_groups_or_a_bound_asks() -> None:
    def rows(candidate: dict[str, float], bounds: dict[str, BoundConfig]) -> list[str]:
        gate = GateConfig(bounds={"ndcg_p": BoundConfig(min=0.1)} | bounds)
        report = judge.build_report(gate, examples.evaluation(candidate), True)
        return [line for line in render.to_text(report).splitlines() if line.startswith("diversity ")]

    untold = {**examples.CANDIDATE, "diversity": math.nan}
    assert rows(untold, {}) == []
    assert rows(examples.CANDIDATE, {})[0].split()[1] == "0.7500"
    assert "FAIL" in rows(untold, {"diversity": BoundConfig(min=0.5)})[0], "no group, yet bounded"
