"""A study that asks for more than ranks, by the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli import main
from pnfrec_core import later, responses
from studies.results.summary import read
from tests.studies.commands.world import folder_of, run, write_world

# Trials are forked from a process of their own, in which TensorFlow is.
pytestmark = pytest.mark.process


def test_what_it_asks_for_is_in_the_table_the_summary_and_the_page(tmp_path: Path) -> None:
    world = write_world(tmp_path)
    study = yaml.safe_load((world / "study.yaml").read_text(encoding="utf-8"))
    study |= {"seeds": [1], "responsiveness": True, "later_days": 0.02}
    study["set"] = {"feedback.validation_targets": "both", "training.epochs": 1}
    odds = {"rule": "like_odds", "gamma": [1.0]}
    study["arms"].append({"name": "odds", "set": study["arms"][1]["set"], "inference": odds})
    (world / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    result = run(world)
    assert result.exit_code == 0, result.output
    assert "later_places_n" in result.output

    folder = folder_of(world)
    table = pd.read_csv(folder / "results.csv")
    known = [name for name in (*responses.MEASURES, *later.MEASURES) if name != "response_group"]
    models = table[table["arm"] != "popular"]
    assert models[known].notna().all(axis=None), "on validation and on test"
    plain = table[table["arm"] == "SASRec_p"]
    assert (plain[["response_near", "response_coliked", "response_random"]] == 0).all(axis=None)
    np.testing.assert_array_equal(plain["copy_before"], plain["copy_after"])
    assert (table[table["arm"] == "odds"]["response_near"] != 0).all()

    summary = read(folder / "summary.json")
    assert summary.declaration["later_days"] == 0.02
    popular, reference, rule = summary.arms
    assert "response_near" not in popular.mean
    assert rule.against["response_near"].estimate == pytest.approx(rule.mean["response_near"])
    difference = rule.mean["later_hr_n"] - reference.mean["later_hr_n"]
    assert rule.against["later_hr_n"].estimate == pytest.approx(difference)
    assert "in the next 0.02 days" in (folder / "page.html").read_text(encoding="utf-8")
    again = CliRunner().invoke(main, ["compare", str(folder), "--with", "odds"])
    assert again.exit_code == 0, again.output
    assert "response_near" in again.output
