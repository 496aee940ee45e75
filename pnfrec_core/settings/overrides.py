"""Settings that the command line changes: `--set key=value`."""

from typing import Any

import yaml

from pnfrec_core.settings.errors import ConfigError
from pnfrec_core.settings.yaml_text import MisreadError, parse


def apply_override(values: dict[str, Any], override: str) -> None:
    """Puts the value of `key=value` into the settings, in place.

    Args:
        values: Of a YAML file; sections that are not there yet are made.
        override: Such as `training.epochs=3`; the value is YAML.

    Raises:
        ConfigError: It is no `key=value`, its value is no YAML, or a part of the key is a value and not a section.
    """
    key, separator, text = override.partition("=")
    if not separator or not key:
        msg = f"--set {override}: expected key=value, for example training.epochs=3."
        raise ConfigError(msg)
    try:
        value = parse(text)
    except MisreadError as error:
        msg = f"--set {override}: {error}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"--set {override}: the value is not valid YAML."
        raise ConfigError(msg) from error
    *sections, name = key.split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            msg = f"--set {override}: `{section}` is a value, not a section."
            raise ConfigError(msg)
        values = inner
    values[name] = value
