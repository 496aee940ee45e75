"""YAML as the configuration takes it: what YAML 1.1 reads otherwise than people mean it is refused or put right.

That is a key that stands twice, numbers such as 010 and 1:30, and numbers such as 1e-3, which it takes for text.
"""

import copy
import functools
import re
from typing import Any

import yaml

_SCIENTIFIC_TAG = "!scientific"
_SCIENTIFIC = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_MERGE_TAG = "tag:yaml.org,2002:merge"
# Numbers of base 8 and of base 60, to YAML 1.1 alone.
_OCTAL = re.compile(r"[-+]?0[0-7_]+")


class Scientific(str):
    """Unquoted text that may be meant as a number: 1e-3 where a number is asked for, and an id such as 12e4 elsewhere.

    YAML 1.1 asks for a point and a sign: 1.0e-3.
    """

    __slots__ = ()


def is_scientific(text: str) -> bool:
    """Whether it would be `Scientific`, were it not quoted."""
    return _SCIENTIFIC.fullmatch(text) is not None


class MisreadError(ValueError):
    """Text of which YAML would silently make something that nobody meant.

    It is a key that stands twice in a mapping, of whose values the last would count, or a number such as 010, which
    would be 8, or 1:30, which would be 90.
    """


class _Loader(yaml.SafeLoader):
    """The safe loader, which tells `Scientific` from other text."""


_Loader.add_implicit_resolver(_SCIENTIFIC_TAG, re.compile(f"^{_SCIENTIFIC.pattern}$"), list("-+.0123456789"))
_Loader.add_constructor(_SCIENTIFIC_TAG, lambda _, node: Scientific(node.value))


def parse(text: str) -> Any:
    """The value of a YAML document.

    Raises:
        yaml.YAMLError: The text is no YAML.
        MisreadError: A key stands twice in a mapping, or a number is written in base 8 or 60.
    """
    return copy.deepcopy(_parse(text))


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> Any:
    """The same value each time. A study has hundreds of configurations, of one file and of a few overrides."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _check_node(node, "", set())
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _check_node(node: yaml.Node | None, path: str, seen: set[int]) -> None:
    # An alias leads to a node that was seen, possibly to one that it is part of.
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        _check_number(node, path)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _check_node(child, path, seen)
    elif isinstance(node, yaml.MappingNode):
        _check_mapping(node, path, seen)


def _check_mapping(node: yaml.MappingNode, path: str, seen: set[int]) -> None:
    lines: dict[str, int] = {}
    for key, value in node.value:
        inner = path
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE_TAG:
            inner = f"{path}.{key.value}" if path else key.value
            line = key.start_mark.line + 1
            if key.value in lines:
                first = lines[key.value]
                place = f"in line {line}" if first == line else f"in lines {first} and {line}"
                msg = f"`{inner}` is given twice, {place}. Keep one of the two."
                raise MisreadError(msg)
            lines[key.value] = line
        _check_node(value, inner, seen)


def _check_number(node: yaml.ScalarNode, path: str) -> None:
    text = node.value
    if node.style is not None or node.tag not in _NUMBER_TAGS:
        return
    base = 8 if _OCTAL.fullmatch(text) else 60 if ":" in text else 10
    if base != 10:
        read = yaml.safe_load(text)
        place = f"`{path}` in line {node.start_mark.line + 1}: " if path else ""
        msg = (
            f"{place}{text} is to YAML the number {read}, written in base {base}. If it is text, such as an id, put it "
            f"in quotes: '{text}'. If it is a number, write it in base 10."
        )
        raise MisreadError(msg)
