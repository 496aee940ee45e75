"""FeedbackConfig as JSON: the form in which it travels through TFX."""

import dataclasses
import json
from typing import Any

from components.feedback.config import ColumnsConfig, FeedbackConfig, TitlesConfig


def to_json(config: FeedbackConfig) -> str:
    return json.dumps(dataclasses.asdict(config), sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> FeedbackConfig:
    settings: dict[str, Any] = json.loads(text)
    settings["columns"] = ColumnsConfig(**settings["columns"])
    if settings["titles"] is not None:
        settings["titles"] = TitlesConfig(**settings["titles"])
    return FeedbackConfig(**settings)
