"""A small world of feedback for runs of the whole pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

USERS, ITEMS, ROWS = 90, 24, 16


# `feedback` of a configuration of this world, whose times begin in 1970, so that nothing is told of that.
OF_1970: dict[str, Any] = {"files": ["ratings.csv"], "positive": 8, "limits": {"early_rows": 1.0}}


def write_feedback(path: Path, users: int = USERS, seed: int = 0) -> None:
    """Users walk along a ring of items, like the even ones and mostly dislike the odd ones."""
    random = np.random.default_rng(seed)
    lines = ["user,item,value,timestamp"]
    for user in range(users):
        start, begin = int(random.integers(ITEMS)), int(random.integers(1000))
        for step in range(ROWS):
            item = (start + step) % ITEMS
            liked = item % 2 == 0 or random.random() < 0.1
            lines.append(f"u{user:03d},i{item:02d},{9 if liked else 3},{begin + 100 * step}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_at_random(path: Path, users: int = USERS) -> None:
    """Each user was shown two items at random, after all that they did by themselves."""
    random = np.random.default_rng(7)
    lines = ["user,item,value,timestamp"]
    for user in range(users):
        for step, item in enumerate(random.permutation(ITEMS)[:2].tolist()):
            lines.append(f"u{user:03d},i{item:02d},{9 if item % 2 == 0 else 3},{5_000 + user + step}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_config(folder: Path, **changes: Any) -> Path:
    """A configuration for `ratings.csv` in `folder`, small enough to run in seconds."""
    values: dict[str, Any] = {
        "name": "tiny",
        "output": "out",
        "feedback": {"files": ["ratings.csv"], "positive": 8},
        "model": {"max_length": 8, "dim": 16, "num_blocks": 1},
        "training": {"epochs": 3, "batch_size": 32, "learning_rate": 0.01},
        "export": {"rule": "like_odds", "gamma": 1.0},
        "gate": {
            "bounds": {"ndcg_p": {"min": 0.0, "max_loss": 1.0}, "hr_n": {"max": 1.0}, "default_ndcg_p": {"min": 0.0}}
        },
        "query": {"positive": ["i00", "i02"], "negative": ["i01"], "k": 3},
        **changes,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path
