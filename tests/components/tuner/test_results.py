"""The objective by hand, and what is written about a search."""

import csv
from pathlib import Path

import pytest

from components.tuner.objective import objective
from components.tuner.results import SearchReport, TrialReport, summary, write_results

EPOCH = {"val_ndcg_p": 0.5, "val_ndcg_n": 0.25}


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 0.5), (1.0, 0.75), (2.0, 1.0), (0.5, 0.625)])
def test_the_objective(weight: float, expected: float) -> None:
    assert objective(EPOCH, weight) == expected


def test_the_objective_of_liked_targets_alone() -> None:
    assert objective({"val_ndcg_p": 0.5, "val_ndcg_n": float("nan")}, 0.0) == 0.5
    assert objective({"val_ndcg_p": 0.1, "val_ndcg_n": 0.4}, 1.0) == pytest.approx(-0.2)


def report() -> SearchReport:
    done = {"best_epoch": 2, "epochs": 4, "seconds": 1.5}
    trials = [
        TrialReport(1, {"alpha": 0.5, "dim": 64}, -0.2, 0.1, 0.4, **done),  # type: ignore[arg-type]
        TrialReport(2, {"alpha": 0.123456, "dim": 32}, 0.75, 0.5, 0.25, **done),  # type: ignore[arg-type]
        TrialReport(3, {"alpha": 0.25, "dim": 32}, 0.75, 0.6, 0.45, **done),  # type: ignore[arg-type]
        TrialReport(4, {"alpha": 9.0, "dim": 32}, failure="The training loss became nan."),
    ]
    return SearchReport(trials, 1.0)


def test_the_first_of_the_best_is_the_best() -> None:
    assert report().best().trial == 2
    assert SearchReport(report().trials[:1], 1.0).best().trial == 1


def test_a_search_without_a_result_says_why() -> None:
    with pytest.raises(ValueError, match=r"None of the Tuner's 1 trials .* loss became nan. Narrow `tuner.space`"):
        SearchReport(report().trials[3:], 1.0).best()


@pytest.mark.parametrize(
    ("number", "asked", "combinations", "why"),
    [
        (4, 4, 4, ""),
        (4, 4, None, ""),
        (4, 0, 4, ""),
        (1, 6, 1, "the one combination of the search space was tried; 6 trials were asked for"),
        (2, 6, 2, "both combinations of the search space were tried; 6 trials were asked for"),
        (3, 6, 3, "all 3 combinations of the search space were tried; 6 trials were asked for"),
        # Failed trials are tried ones.
        (4, 6, 4, "all 4 combinations of the search space were tried; 6 trials were asked for"),
        *(
            (4, 6, size, f"4{known} combinations of the search space were tried, and drawing at random found no other; "
            "6 trials were asked for")
            for size, known in ((5, " of 5"), (None, ""))
        ),
    ],
)  # fmt: skip
def test_fewer_trials_than_were_asked_for_have_a_reason(
    number: int, asked: int, combinations: int | None, why: str
) -> None:
    found = SearchReport(report().trials[:number], 1.0, asked, combinations)
    assert found.shortfall() == why
    assert summary(found).splitlines()[2:] == ([f"       {why}"] if why else [])


def test_the_files(tmp_path: Path) -> None:
    write_results(tmp_path, report())
    assert (tmp_path / "summary.txt").read_text() == (
        "Tuner: 4 trials (1 failed), the best is trial 2: alpha 0.1235, dim 32\n"
        "       validation: objective 0.7500 = NDCG_p 0.5000 + 1 * (NDCG_p - NDCG_n 0.2500)\n"
    )
    with (tmp_path / "trials.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[1] == {
        "trial": "2",
        "alpha": "0.123456",
        "dim": "32",
        "objective": "0.75",
        "ndcg_p": "0.5",
        "ndcg_n": "0.25",
        "best_epoch": "2",
        "epochs": "4",
        "seconds": "1.5",
        "failure": "",
    }
    assert (rows[3]["objective"], rows[3]["failure"]) == ("", "The training loss became nan.")
