"""What is wrong with settings, a sentence for each key, from what pydantic found."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

Location = tuple[int | str, ...]

_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_SCALARS = ("bool", "int", "float", "str")


def sentences(
    problems: Sequence[Any], root: type, name: Callable[[Location], str] | None = None, explain: str = ""
) -> list[str]:
    """One sentence a key: what was expected there, what was received or what it may have meant.

    Args:
        problems: `errors()` of pydantic's ValidationError.
        root: The dataclass that the settings were to become.
        name: How a location is called; by default its parts, with dots between.
        explain: The command that explains the key that is given to it, if there is one.
    """
    # A union (`float | "median"`) reports each of its members: one line a key is enough.
    found: dict[Location, list[Any]] = {}
    for problem in problems:
        found.setdefault(key_of(problem), []).append(problem)
    name = name or _dotted
    return [_sentence(location, name(location), each, root, explain) for location, each in found.items()]


def key_of(problem: Any) -> Location:
    """Where it is, without pydantic's names of union members, such as `float` or `literal['median',...]`."""
    *sections, last = location = problem["loc"] or ("",)
    is_member = isinstance(last, str) and (last in _SCALARS or last.startswith("literal["))
    return tuple(sections if is_member and problem["type"] not in _UNKNOWN else location)


def _dotted(location: Location) -> str:
    return ".".join(map(str, location))


def _sentence(location: Location, key: str, problems: Sequence[Any], root: type, explain: str) -> str:
    """What is wrong with a key, from its problem or from those of each member of its union."""
    problem = problems[0]
    if problem["type"] in _UNKNOWN:
        *section, last = location
        known = _known_keys(root, section)
        close = difflib.get_close_matches(str(last), known, n=1)
        hint = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known)}."
        return f"`{key}` is unknown. {hint}"
    if problem["type"] in ("missing", "missing_argument"):
        told = f" `{explain} {key}` explains it." if explain else ""
        return f"`{key}` is missing: it has no default.{told}"
    if problem["type"] == "value_error":
        text = str(problem["ctx"]["error"])
        # Such as that of a bound, which does not know whose it is.
        return text if f"`{key}" in text else f"`{key}`: {text}"
    first, *others = (each["msg"] for each in problems)
    text = " or ".join([first[0].lower() + first[1:], *(other.removeprefix("Input should be ") for other in others)])
    return f"`{key}`: {text}. Received: {problem['input']!r}.{_in_quotes(problem)}"


def _in_quotes(problem: Any) -> str:
    """What to do where a number of YAML, such as 2.0, was meant as a text."""
    value = problem["input"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    wanted = problem["type"] == "string_type" or (problem["type"] == "literal_error" and f"'{value}'" in problem["msg"])
    return f' Put it in quotes: "{value}".' if wanted else ""


def _known_keys(root: Any, section: Sequence[int | str]) -> list[str]:
    """Keys that a section such as `gate`, `bounds`, `hr_n` may hold."""
    current = root
    for part in section:
        if typing.get_origin(current) in (dict, list):
            current = typing.get_args(current)[-1]
        else:
            current = _section_type(typing.get_type_hints(current)[str(part)])
    return [field.name for field in dataclasses.fields(current)]


def _section_type(kind: Any) -> Any:
    """The type of a section: `X` of `X | None`."""
    is_union = typing.get_origin(kind) in (types.UnionType, typing.Union)
    return next(member for member in typing.get_args(kind) if member is not type(None)) if is_union else kind
