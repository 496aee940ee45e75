"""Records of a made-up run, whose numbers a card must show."""

from typing import Any

from components.gate.card.sources import Sources
from pnfrec_keras.export.ranking import Ranking
from tests.components.gate.report import examples

STATISTICS: dict[str, Any] = {
    "rows": {
        "read": 2_000,
        "kept": {
            "train": {"positive": 1_000, "negative": 600},
            "validation": {"positive": 50, "negative": 50},
            "test": {"positive": 60, "negative": 40},
        },
    },
    "users": {"read": 120, "training": 100},
    "items": {"read": 70, "catalogue": 55},
    "training_rows": 1_600,
    "positive": {"rule": 8.0, "threshold": 8.0},
    "split": {"rule": "global_time", "date": "2013-08-15 21:31:28 UTC"},
    "examples": {
        "train": {"all": 90},
        "validation": {"all": 12, "positive": 12, "negative": 0},
        "test": {"all": 900, "positive": 500, "negative": 400},
    },
    "targets": "last",
    "times": {
        "unit": "seconds",
        "first_date": "2013-02-28 14:38:27 UTC",
        "last_date": "2013-09-04 05:00:00 UTC",
    },
    "warnings": ["1 of 1,440 rows is odd (for example user 'u000')."],
}
MANIFEST: dict[str, Any] = {
    "best_epoch": 7,
    "epochs": 17,
    "training_users": 90,
    "items": 55,
    "validation": {"val_ndcg_p": 0.125},
    "versions": {"keras": "3.12.4", "tensorflow": "2.16.2"},
}
CONFIG: dict[str, Any] = {
    "name": "tweets",
    "feedback": {"files": ["ratings-*.csv"]},
    "model": {
        "variant": "PNFRec",
        "dim": 32,
        "num_blocks": 2,
        "num_heads": 1,
        "max_length": 50,
        "alpha": 0.45,
        "beta": 0.25,
        "loss": "softmax",
        "trend_days": 0.0,
    },
    "training": {"seed": 42},
}
RANKING = Ranking("like_odds", 1.5, 0.0, 10, asks_dislikes=True)


def sources(**changes: Any) -> Sources:
    values: dict[str, Any] = {
        "report": examples.refused_report(),
        "statistics": STATISTICS,
        "manifest": MANIFEST,
        "config": CONFIG,
        "ranking": RANKING,
        "trained_at": "2026-11-29 12:00 UTC",
        "versions": {"pnfrec": "0.9.0"},
    }
    return Sources(**{**values, **changes})
