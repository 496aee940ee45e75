"""The Tuner's choice, put into the settings of a training."""

from collections.abc import Mapping
from typing import Any

import yaml

# Keys of custom_config.
MODEL, TRAINING, EXPORT = "model", "training", "export"
RESOLVED_CONFIG = "resolved_config"
STATE_DIR = "state_dir"
# Whether what was made before is made again.
ANEW = "anew"
# Added by the executors: the folder of the artifact.
VOCABULARY_KEY = "vocabulary"

# What the Tuner may choose, and the section of the settings that it belongs to.
SECTIONS = {"alpha": MODEL, "beta": MODEL, "dim": MODEL, "learning_rate": TRAINING, "dropout": MODEL}


def with_choice(settings: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the chosen values in place of their own, in the text of the configuration too.

    Args:
        settings: Of `run_fn`; they stay as they are.
        choice: Names of `SECTIONS` to values; may be empty.

    Raises:
        ValueError: A name is none of `SECTIONS`.
    """
    if unknown := sorted(set(choice) - set(SECTIONS)):
        msg = f"The Tuner's choice names {', '.join(unknown)}. Known: {', '.join(SECTIONS)}."
        raise ValueError(msg)
    chosen = {**settings, MODEL: dict(settings[MODEL]), TRAINING: dict(settings[TRAINING])}
    for name, value in choice.items():
        chosen[SECTIONS[name]][name] = value
    if choice and RESOLVED_CONFIG in settings:
        chosen[RESOLVED_CONFIG] = _resolved(settings[RESOLVED_CONFIG], choice)
    return chosen


def _resolved(text: str, choice: Mapping[str, Any]) -> str:
    values: dict[str, Any] = yaml.safe_load(text)
    for name, value in choice.items():
        values.setdefault(SECTIONS[name], {})[name] = value
    names = ", ".join(f"{SECTIONS[name]}.{name}" for name in choice)
    return f"# The Tuner chose {names}.\n" + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
