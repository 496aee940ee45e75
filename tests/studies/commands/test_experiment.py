"""A whole small study by the command, cut off and gone on with."""

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli import main
from studies import page
from studies.outputs import TRIAL_RANKS
from studies.page import sentences
from studies.results.ranks import judged
from studies.results.summarise import summarise
from studies.results.summary import read
from studies.results.tables import arm_results
from studies.study import load_study, trials
from tests.studies.commands.world import folder_of, run, write_world

# Trials are forked from a process of their own, in which TensorFlow is.
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def first(world: Path) -> str:
    result = run(world)
    assert result.exit_code == 0, result.output
    return str(result.output)


@pytest.mark.parametrize("command", ["experiment", "results"])
def test_a_missing_matplotlib_is_named_before_hours_of_training(
    command: str, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    result = run(world) if command == "experiment" else CliRunner().invoke(main, ["results", "--studies", str(world)])
    assert result.exit_code == 2
    assert "pip install 'pnfrec[studies]'" in result.output


def test_it_trains_each_arm_and_prints_a_table(first: str, world: Path) -> None:
    assert "3 trials, 0 of them done." in first
    assert "3/3 SASRec_p, seed 2: best epoch" in first
    assert first.index("Difference from SASRec_p") < first.index("Difference from popular")
    assert "Difference from popular" in (folder_of(world) / "table.txt").read_text(encoding="utf-8")
    table = pd.read_csv(folder_of(world) / "results.csv")
    assert len(table) == 6
    assert set(table["split"]) == {"validation", "test"}
    assert table["ndcg_p"].between(0, 1).all()
    trained = table[table["arm"] == "SASRec_p"]
    assert set(trained["model.variant"]) == {"SASRec_p"}
    for kind in ("", "training_"):
        assert (trained[f"{kind}peak_gib"] > 0).all()
    assert (trained["training_seconds"] < trained["seconds"]).all()
    epochs = pd.read_csv(folder_of(world) / "epochs.csv")
    assert len(epochs) == 4
    assert {"loss", "loss_positive", "val_ndcg_p"} <= set(epochs)


def test_it_leaves_a_page_and_what_the_document_needs(first: str, world: Path, tmp_path: Path) -> None:
    folder = folder_of(world)
    assert f"page:    {folder / 'page.html'}" in first
    summary = read(folder / "summary.json")
    assert (summary.study, summary.data.name, summary.reference, summary.missing) == ("tiny", "small", "SASRec_p", [])
    assert summary.beside == "popular"
    popular, trained = summary.arms
    assert (popular.beside, trained.against) == ({}, {})
    assert {name: -found.estimate for name, found in trained.beside.items()} == pytest.approx(
        {name: found.estimate for name, found in popular.against.items()}
    )
    assert [arm.seeds for arm in summary.arms] == [[None], [1, 2]]
    assert summary.arms[0].settings == {"baseline": "most_popular"}
    for arm in summary.arms:
        assert arm.rows["test"]["positive"] == summary.data.positive_targets
        assert sum(arm.rows["test"].values()) == summary.data.targets
    assert summary.settings["feedback.positive"] == 4
    assert summary.settings["training.epochs"] == 2
    assert str(world) not in (folder / "summary.json").read_text(encoding="utf-8")
    table = pd.read_csv(folder / "results.csv")
    by_seed = table[table["split"] == "test"].set_index("seed")["training_seconds"]
    assert summary.training_seconds == pytest.approx(by_seed[1] + by_seed[2])
    own = table[(table["arm"] == "SASRec_p") & (table["split"] == "test")]
    assert summary.arms[1].mean["ndcg_p"] == pytest.approx(own["ndcg_p"].mean())
    assert [trial["hr_n"] for trial in summary.arms[1].trials] == pytest.approx(own["hr_n"].tolist())
    lengths = pd.read_csv(folder / "lengths.csv")
    assert lengths.groupby("polarity")["users"].sum().to_dict() == {
        "positive": summary.data.users,
        "negative": summary.data.users,
    }
    assert (lengths["length"] * lengths["users"]).sum() == summary.data.rows
    before = (folder / "page.html").read_bytes()
    assert page.build(folder).read_bytes() == before
    output = tmp_path / "results.md"
    result = CliRunner().invoke(main, ["results", "--studies", str(world / "studies"), "--output", str(output)])
    assert result.exit_code == 0, result.output
    for name in ("results.csv", "ranks.npz"):
        assert (tmp_path / "results" / "small" / "tiny" / name).read_bytes() == (folder / name).read_bytes()


def test_any_arm_can_be_compared_with_when_the_trials_are_gone(first: str, world: Path, tmp_path: Path) -> None:
    assert first
    for name in ("summary.json", "ranks.npz"):
        (tmp_path / name).write_bytes((folder_of(world) / name).read_bytes())
    for arm in ("SASRec_p", "popular"):
        result = CliRunner().invoke(main, ["compare", str(tmp_path), "--with", arm])
        assert result.exit_code == 0, result.output
        table = result.output[result.output.index(f"Difference from {arm}") :]
        assert table.strip() in first, "the table that the study printed"


def test_files_of_an_earlier_run_do_not_stay_beside_a_new_summary(first: str, world: Path, tmp_path: Path) -> None:
    assert first
    study = tmp_path / "studies" / "tiny"
    study.mkdir(parents=True)
    (study / "summary.json").write_bytes((folder_of(world) / "summary.json").read_bytes())
    home = tmp_path / "results" / "small" / "tiny"
    home.mkdir(parents=True)
    (home / "ranks.npz").write_bytes(b"old")
    arguments = ["results", "--studies", str(study.parent), "--output", str(tmp_path / "results.md")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert not (home / "ranks.npz").exists()


def test_the_tidy_table_has_the_terms_of_the_others(world: Path) -> None:
    study = {
        "name": "terms",
        "question": "Is the table the one that is shown?",
        "reference": "low",
        "arms": [
            {"name": "low", "baseline": "most_popular"},
            {"name": "high", "baseline": "most_popular", "set": {"feedback.positive": 8}},
        ],
    }
    (world / "terms.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    paths = [str(world / "terms.yaml"), "--config", str(world / "config.yaml"), "--output", str(world / "terms")]
    result = CliRunner().invoke(main, ["experiment", *paths])
    assert result.exit_code == 0, result.output
    table = pd.read_csv(world / "terms" / "small" / "terms" / "results.csv")
    assert table["labels"].tolist() == ["low", "low", "high", "low"]
    summary = read(world / "terms" / "small" / "terms" / "summary.json")
    assert summary.labels == "low"
    tests = table[table["split"] == "test"].set_index("arm")
    for arm in summary.arms:
        for name, value in arm.mean.items():
            assert tests.loc[arm.name, name] == pytest.approx(value), (arm.name, name)
    own = summary.arms[1].rows["test"]
    assert own["positive"] < summary.data.positive_targets, "the arms' own rules do differ"


def test_an_unfinished_study_is_summarised_with_what_is_missing(first: str, world: Path) -> None:
    assert first
    study = load_study(str(world / "study.yaml"))
    planned = trials(study, world / "config.yaml", [])
    folders = [folder_of(world) / "trials" / trial.key for trial in planned]
    statistics = {"training_rows": 863, "users": {"training": 60}}
    found, *_ = summarise(study, planned, [folders[0], world / "none", world / "none"], statistics, "small", 10)
    assert found.missing == ["SASRec_p, seed 1", "SASRec_p, seed 2"]
    assert [arm.name for arm in found.arms] == ["popular"]
    assert not found.others
    with pytest.raises(ValueError, match="No trial of tiny is done"):
        summarise(study, planned, [world / "none"] * 3, statistics, "small", 10)


def test_draws_of_test_users_that_lack_an_arm_wait_for_it(first: str, world: Path) -> None:
    assert first
    study = dataclasses.replace(load_study(str(world / "study.yaml")), halves=True)
    planned = trials(study, world / "config.yaml", [])
    assert [(trial.arm.name, trial.seed) for trial in planned] == [
        *(("popular", 1), ("SASRec_p", 1), ("popular", 2), ("SASRec_p", 2))
    ]
    stored = sorted((folder_of(world) / "trials").iterdir())
    popular, trained = (next(each for each in stored if each.name.startswith(name)) for name in ("pop", "SASRec_p"))
    statistics = {"training_rows": 863, "users": {"training": 60}}
    found, *_ = summarise(study, planned, [popular, trained, popular, world / "none"], statistics, "small", 10)
    assert found.missing == ["SASRec_p, seed 2"]
    assert [len(arm.trials) for arm in found.arms] == [1, 1]
    assert found.data.protocol.endswith(", test users drawn anew with each seed")
    assert "feedback.split_seed" not in found.settings
    assert "on the same test targets of each seed" in sentences.intervals(found)
    assert "chosen on some of these test users" in sentences.selection(found)
    whole, *_ = summarise(study, planned, [popular, trained, popular, trained], statistics, "small", 10)
    assert [len(arm.trials) for arm in whole.arms] == [2, 2]
    assert whole.data.targets == found.data.targets


def test_numbers_in_the_table_are_those_of_the_ranks(first: str, world: Path) -> None:
    """By hand from what the trials stored."""
    assert first
    folders = sorted((folder_of(world) / "trials").iterdir())
    ranks = judged(folders, "test", "SASRec_p")
    by_arm = {found.name: found for found in arm_results(folders, ranks, "SASRec_p", "test", 10)}
    values = []
    for folder in folders:
        if folder.name.startswith("SASRec_p"):
            with np.load(folder / TRIAL_RANKS) as stored:
                rank = stored["test_rank"][stored["test_is_positive"] == 1]
            values.append(np.where((rank >= 1) & (rank <= 10), 1 / np.log2(np.maximum(rank, 1) + 1), 0).mean())
    assert by_arm["SASRec_p"].mean["ndcg_p"] == pytest.approx(np.mean(values))
    assert by_arm["SASRec_p"].sd["ndcg_p"] == pytest.approx(np.std(values, ddof=1))
    difference = by_arm["popular"].against["ndcg_p"]
    assert difference.estimate == pytest.approx(by_arm["popular"].mean["ndcg_p"] - np.mean(values))
    assert difference.low <= difference.estimate <= difference.high


def test_a_second_call_goes_on_where_the_first_stopped(first: str, world: Path) -> None:
    before = first[first.index("test targets") :]
    (gone,) = (folder_of(world) / "trials").glob("SASRec_p-seed2-*")
    old = json.loads((gone / "result.json").read_text(encoding="utf-8"))
    (gone / "result.json").unlink()
    again = run(world)
    assert again.exit_code == 0, again.output
    assert "3 trials, 2 of them done." in again.output
    assert again.output[again.output.index("test targets") :] == before, "the same seed gives the same numbers"
    new = json.loads((gone / "result.json").read_text(encoding="utf-8"))
    assert new["test"] == old["test"]


def test_a_wrong_setting_is_a_usage_error(world: Path) -> None:
    result = run(world, "--set", "model.dmi=8")
    assert result.exit_code == 2
    assert "model.dmi" in result.output
