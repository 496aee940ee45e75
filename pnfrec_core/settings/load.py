"""A YAML file of settings, read and turned into the dataclass that it describes."""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from pnfrec_core.settings.errors import ConfigError
from pnfrec_core.settings.problems import Location, key_of, sentences
from pnfrec_core.settings.yaml_text import MisreadError, Scientific, parse

T = TypeVar("T")


def read_mapping(path: Path, content: str) -> dict[str, Any]:
    """The values of a YAML file.

    Args:
        path: The file.
        content: What it should hold, for the message.

    Raises:
        ConfigError: The file is missing, no YAML or no mapping, or has a key twice or a number such as 010.
    """
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: there is no such configuration file. Ready ones lie in configs/."
        raise ConfigError(msg) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as a YAML file ({error})."
        raise ConfigError(msg) from error
    except MisreadError as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    except yaml.YAMLError as error:
        msg = f"{path}: not valid YAML. {' '.join(str(error).split())}"
        raise ConfigError(msg) from error
    if not isinstance(values, dict):
        msg = f"{path}: expected a mapping of {content}. Received: {type(values).__name__}."
        raise ConfigError(msg)
    return values


def validate(
    values: dict[str, Any],
    path: Path,
    kind: type[T],
    what: str,
    name: Callable[[Location], str] | None = None,
    explain: str = "",
) -> T:
    """The dataclass that the values of a YAML file describe, every key and type checked.

    Args:
        values: Of `read_mapping`; texts such as 1e-3 become numbers in place, wherever a number is asked for.
        path: Of the file, for messages.
        kind: The dataclass.
        what: What it is, for messages.
        name: How messages call the place of a key; by default its parts, with dots between.
        explain: The command that explains a key, for messages, if there is one.

    Raises:
        ConfigError: A key is unknown, missing or of the wrong type; the message names each.
    """
    import pydantic  # 0.2 s that the command's help need not pay

    adapter = _adapter(cast("Any", kind))

    def read() -> T:
        # Strict, so that "10" is no number and 3.7 no count of epochs; by way of JSON, where a mapping may be a
        # dataclass.
        read: T = adapter.validate_json(_as_json(values, path), strict=True)
        return read

    try:
        try:
            return read()
        except pydantic.ValidationError as error:
            if not _read_numbers(values, error.errors()):
                raise
            return read()
    except pydantic.ValidationError as error:
        lines = sentences(error.errors(), kind, name, explain)
        msg = f"{path}: " + "\n  ".join([f"the {what} cannot be used:", *lines])
        raise ConfigError(msg) from error


@functools.cache
def _adapter(kind: Any) -> Any:
    """What checks the values of a dataclass: to make it takes longer than to use it, and a study has hundreds."""
    import pydantic

    return pydantic.TypeAdapter(kind)


def _as_json(values: dict[str, Any], path: Path) -> str:
    try:
        return json.dumps(values, default=str)
    except (TypeError, ValueError) as error:
        # A date as a key, or an alias inside of what it stands for.
        msg = f"{path}: has a key or an alias that cannot be used ({error}). Write it out as plain text."
        raise ConfigError(msg) from error


def _read_numbers(values: dict[str, Any], problems: Sequence[Any]) -> bool:
    """Makes numbers of texts such as 1e-3 wherever a number was asked for; whether there was any.

    Only there: the same letters may be somebody's id.
    """
    found = False
    for problem in problems:
        name: Any
        if problem["type"] != "float_type":
            continue
        *sections, name = key_of(problem)
        holder: Any = values
        for section in sections:
            holder = _part(holder, section)
        if isinstance(value := _part(holder, name), Scientific):
            holder[name] = float(value)
            found = True
    return found


def _part(holder: Any, name: Any) -> Any:
    # A key that is no text has another name in the location; it is unknown in any case.
    return holder[name] if isinstance(holder, list) else holder.get(name, {})
