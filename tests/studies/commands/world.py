"""A small data set with a configuration and a study, and the command on it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from click.testing import CliRunner

from pipeline.cli import main

USERS, ITEMS = 60, 25


def write_world(folder: Path) -> Path:
    """Feedback in which positive items come in cycles, with its configuration and a study."""
    generator = np.random.default_rng(0)
    rows = []
    for user in range(USERS):
        item = int(generator.integers(ITEMS))
        for step in range(16):
            item = (item + 1) % ITEMS if generator.random() < 0.8 else int(generator.integers(ITEMS))
            rows.append((f"u{user}", f"i{item}", int(generator.integers(1, 11)), 1000 * step + user))
    pd.DataFrame(rows, columns=["user", "item", "value", "timestamp"]).to_csv(folder / "rows.csv", index=False)
    config = {
        "name": "small",
        "output": "runs/small",
        "feedback": {"files": ["rows.csv"], "positive": 4, "targets": "successive"},
        "model": {"max_length": 10, "dim": 8, "num_blocks": 1},
        "training": {"epochs": 2, "batch_size": 30},
        "gate": {"bounds": {"ndcg_p": {"min": 0.0}, "hr_p": {"min": 0.0}, "hr_n": {"max": 1.0}}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    study = {
        "name": "tiny",
        "question": "Does it run?",
        "reference": "SASRec_p",
        "beside": "popular",
        "seeds": [1, 2],
        "arms": [
            {"name": "popular", "baseline": "most_popular"},
            # With what the trial has to read of the examples besides items.
            {"name": "SASRec_p", "set": {"model.variant": "SASRec_p", "model.trend_days": 0.1}},
        ],
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return folder


def run(world: Path, *arguments: str) -> Any:
    paths = [str(world / "study.yaml"), "--config", str(world / "config.yaml"), "--output", str(world / "studies")]
    return CliRunner().invoke(main, ["experiment", *paths, *arguments])


def folder_of(world: Path) -> Path:
    return world / "studies" / "small" / "tiny"
