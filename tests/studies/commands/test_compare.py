"""`pnfrec compare`, and what the repository holds of its studies."""

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pnfrec_core.lists import LIST_METRICS
from studies.outputs import RANKS, SUMMARY
from studies.results import summary
from studies.results.ranks import Judged, Ranks, differences
from studies.results.stored import load, store
from studies.results.summary import Summary
from tests.studies import made_up

USERS = 40


def write(folder: Path, arms: dict[str, float], targets: str = "these", draw: int = 0, **changes: Any) -> Path:
    """A study of two seeds whose arms find so much of what was liked, and nothing of what was disliked."""
    folder.mkdir()
    found: dict[str, Ranks] = {}
    users = np.array([f"u{number}" for number in range(USERS)])
    liked = np.arange(USERS) % 2
    for number, (name, share) in enumerate(arms.items()):
        hits = np.random.default_rng(number).random((2, USERS)) < share
        found[name] = Ranks((hits & (liked == 1)).astype(np.int64), liked, users, np.ones(USERS, np.int64))
    ranks = Judged({draw: found}, {draw: targets})
    store(ranks, folder / RANKS, 10)
    summaries = [
        dataclasses.replace(made_up.arm(name, 1), trials=[own.measures(seed, 10) for seed in (0, 1)])
        for name, own in found.items()
    ]
    told = dataclasses.replace(made_up.summary(summaries), reference=next(iter(arms)), **changes)
    (folder / SUMMARY).write_text(told.to_json(), encoding="utf-8")
    return folder


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def test_any_arm_can_be_the_reference(tmp_path: Path) -> None:
    study = write(tmp_path / "one", {"base": 0.1, "good": 0.9, "same": 0.1})
    result = run(study)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Difference from base, 95 % interval of a paired bootstrap over users")
    ranks = load(study / RANKS)
    value, low, high = differences(ranks, "good", ranks, "base", 10)["hr_p"]
    assert f"{value:+.4f} [{low:+.4f}, {high:+.4f}]" in result.output
    turned = run(study, "--with", "good")
    assert turned.output.startswith("Difference from good, ")
    assert f"{-value:+.4f} [{-high:+.4f}, {-low:+.4f}]" in turned.output
    rows = [line.split("  ")[0] for line in turned.output.splitlines()[2:]]
    assert rows == ["arm", "base", "same"]


def test_an_arm_of_another_study_is_named_with_it(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"base": 0.1, "good": 0.9})
    two = write(tmp_path / "two", {"good": 0.1}, study="second")
    result = run(one, "--of", two)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Difference from good (second), ")
    base, good = result.output.splitlines()[3:]
    assert base.split()[0] == "base"
    assert good.count("]*") + good.count("]°") == 4, "the arm of the same name is another one"


def test_chance_of_training_is_marked(tmp_path: Path) -> None:
    arms = {"base": 0.5, "good": 0.9}
    study = write(tmp_path / "one", arms)
    assert "]°" in run(study).output, "two seeds tell little"
    steady = write(tmp_path / "two", {"base": 0.0, "good": 1.0})
    assert "]°" not in run(steady).output
    told = summary.read(study / SUMMARY)
    others = [dataclasses.replace(arm, seeds=[11, 12]) for arm in told.arms]
    elsewhere = write(tmp_path / "three", arms, study="other")
    (elsewhere / SUMMARY).write_text(dataclasses.replace(told, arms=others).to_json(), encoding="utf-8")
    assert "]°" in run(study, "--of", elsewhere).output, "with no seed in common too"


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"base": 0.1, "good": 0.9})
    other = write(tmp_path / "two", {"base": 0.1}, targets="others")
    drawn = write(tmp_path / "three", {"base": 0.1}, draw=4)
    longer = write(tmp_path / "four", {"base": 0.1}, k=20)
    mixed = write(tmp_path / "five", {"base": 0.1, "good": 0.9})
    fewer = write(tmp_path / "six", {"base": 0.1, "good": 0.9})
    (mixed / RANKS).write_bytes((write(tmp_path / "seven", {"base": 0.2, "good": 0.9}) / RANKS).read_bytes())
    (fewer / RANKS).write_bytes((other / RANKS).read_bytes())
    (tmp_path / "none").mkdir()
    for arguments, message in {
        (one, "--with", "goood"): "has no arm 'goood'. Did you mean 'good'?",
        (one, "--with", "x"): "has no arm 'x'. It has: base; good.",
        (one, "--with", ""): "has no arm ''.",
        (one, "--of", other): "base and base were judged on other test targets.",
        (one, "--of", drawn): "base and base were judged on other draws of test users: [0] and [4].",
        (one, "--of", longer): "looks at lists of 10 items, ",
        (other,): "has no other arm than base. Name another study with --of.",
        (mixed,): "are of different trials",
        (fewer,): "are of different trials",
        (tmp_path / "none",): "There is no summary.json in",
    }.items():
        result = run(*arguments)
        assert result.exit_code == 2, message
        assert message in " ".join(result.output.split())
    (one / RANKS).unlink()
    assert "There is no" in run(one).output


RESULTS = Path(__file__).parents[3] / "docs" / "results"
STORED = sorted(RESULTS.glob(f"*/*/{RANKS}"))


def test_the_comparison_of_the_guide_can_be_made() -> None:
    guide = (RESULTS.parent / "guides" / "studies.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^pnfrec compare (.+)$", guide, re.MULTILINE)
    folder, *rest = command.split()
    result = run(RESULTS.parents[1] / folder, *rest)
    assert result.exit_code == 0, result.output
    assert "Difference from SASRec_p" in result.output


def test_the_comparisons_that_the_pages_name_can_be_made() -> None:
    root = RESULTS.parents[1]
    pages = [root / "README.md", *sorted(RESULTS.parent.glob("*.md")), *sorted(RESULTS.parent.glob("*/*.md"))]
    named = [
        shlex.split(" ".join(command.split()))
        for page in pages
        for command in re.findall(r"`pnfrec compare\s+([^`]+)`", page.read_text(encoding="utf-8"))
    ]
    assert len(named) >= 4
    for folder, option, arm in named:
        assert option == "--with"
        assert (root / folder / RANKS).is_file(), folder
        assert arm in [each.name for each in summary.read(root / folder / SUMMARY).arms], (folder, arm)


def rounding(ranks: Judged, *arms: str) -> float:
    """How far two right evaluations of a difference may lie apart where they add in different orders.

    n additions of terms whose sizes sum up to s are wrong by n * eps / 2 * s at most, in any order. Here a mean over
    seeds, a sum over targets and a mean over draws of test users follow each other; a gain, and so each mean, is 1 at
    most; what is judged is the difference of the means of two groups; and quantiles of the draws of a bootstrap move
    by no more than the draws. Eight roundings are for the gains, products and quotients, and there are two evaluations.
    """
    parts = [own for arm in arms for own in ranks.of(arm)]
    additions = max(len(own.rank) for own in parts) + max(len(own.user) for own in parts) + len(ranks.draws) + 8
    return float(2 * 2 * additions * np.finfo(np.float64).eps / 2)


@pytest.mark.parametrize("path", STORED, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_the_stored_numbers_are_those_of_the_stored_ranks(path: Path) -> None:
    told: Summary = summary.read(path.parent / SUMMARY)
    ranks = load(path)
    assert ranks.arms() == [arm.name for arm in told.arms]
    for arm in told.arms:
        parts = [arms[arm.name] for arms in ranks.draws.values()]
        rows = [own.measures(seed, told.k) for own in parts for seed in range(len(own.rank))]
        for trial, row in zip(arm.trials, rows, strict=True):
            known = {name: value for name, value in trial.items() if name not in LIST_METRICS}
            assert known == pytest.approx({name: row[name] for name in known}, abs=1e-12)
        for name in set(arm.mean) - set(LIST_METRICS):
            assert arm.mean[name] == pytest.approx(np.mean([row[name] for row in rows]), abs=1e-12)
    # A bootstrap takes a second: the last arm stands for all.
    last = [arm for arm in told.arms if arm.against][-1]
    found = differences(ranks, last.name, ranks, told.reference, told.k)
    assert list(found) == list(last.against)
    most = rounding(ranks, last.name, told.reference)
    for name, interval in found.items():
        assert interval == pytest.approx(last.against[name], rel=0, abs=most), name
