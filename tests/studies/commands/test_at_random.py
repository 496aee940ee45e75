"""A study on feedback with a log of what was shown at random, by the command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.studies.commands.world import ITEMS, USERS, folder_of, run, write_world

# Trials are forked from a process of their own, in which TensorFlow is.
pytestmark = pytest.mark.process


def test_it_has_a_table_of_its_own(tmp_path: Path) -> None:
    world = write_world(tmp_path)
    random = np.random.default_rng(1)
    rows = [
        (f"u{user}", f"i{random.integers(ITEMS)}", int(random.integers(1, 11)), 20_000 + user) for user in range(USERS)
    ]
    pd.DataFrame(rows, columns=["user", "item", "value", "timestamp"]).to_csv(world / "random.csv", index=False)
    for name, change in {
        "config": {"random_files": ["random.csv"]},
        "study": {"seeds": [1], "set": {"training.epochs": 1}, "published": True},
    }.items():
        file = world / f"{name}.yaml"
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
        settings = settings | change if name == "study" else {**settings, "feedback": settings["feedback"] | change}
        file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    result = run(world)
    assert result.exit_code == 0, result.output

    # Of these data there are none: it says so, between the means and the differences.
    means, _, differences = result.output.partition("\n\nThe paper prints no numbers for data named small.\n\n")
    assert "ndcg_delta" in means
    assert "Difference from" in differences
    statistics = json.loads(next((world / "studies").rglob("statistics.json")).read_text(encoding="utf-8"))
    targets = statistics["test_random"]["examples"]
    # Half of the users validate, and the others are asked for one item each.
    assert 20 < targets["all"] <= USERS / 2 + 1
    head = f"What was shown at random (test_random): {targets['all']} targets of {targets['all']} users, of which "
    own = result.output.partition(f"{head}{targets['positive']} are liked\n")[2]
    assert own.count("Difference from") == 2
    table = pd.read_csv(folder_of(world) / "results.csv")
    assert list(table["split"]) == ["validation", "test", "test_random"] * 2

    # Against the ranks that the trial kept, which the table is not made of.
    (trial,) = (file for file in (world / "studies").rglob("result.json") if _arm(file) == "SASRec_p")
    with np.load(trial.with_name("trial_ranks.npz")) as kept:
        rank, liked = kept["test_random_rank"], kept["test_random_is_positive"]
    assert len(rank) == targets["all"]
    row = table[(table["arm"] == "SASRec_p") & (table["split"] == "test_random")].iloc[0]
    gains = np.where((rank > 0) & (rank <= 10), 1 / np.log2(np.maximum(rank, 1) + 1.0), 0.0)
    expected = gains[liked == 1].mean() - gains[liked == 0].mean()
    assert row["ndcg_delta"] == pytest.approx(expected)
    assert f"{expected:.4f}" in own


def _arm(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["arm"])
