"""YAML as the configuration takes it: no key twice, and numbers such as 1e-3, which YAML 1.1 takes for text."""

import re
from typing import Any

import yaml

_SCIENTIFIC_TAG = "!scientific"
_SCIENTIFIC = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+")
_MERGE_TAG = "tag:yaml.org,2002:merge"


class Scientific(str):
    """Unquoted text that may be meant as a number: 1e-3 where a number is asked for, and an id such as 12e4 elsewhere.

    YAML 1.1 asks for a point and a sign: 1.0e-3.
    """

    __slots__ = ()


def is_scientific(text: str) -> bool:
    """Whether it would be `Scientific`, were it not quoted."""
    return _SCIENTIFIC.fullmatch(text) is not None


class RepeatedKeyError(ValueError):
    """A key that stands twice in a mapping, of whose values YAML would silently take the last."""


class _Loader(yaml.SafeLoader):
    """The safe loader, which tells `Scientific` from other text."""


_Loader.add_implicit_resolver(_SCIENTIFIC_TAG, re.compile(f"^{_SCIENTIFIC.pattern}$"), list("-+.0123456789"))
_Loader.add_constructor(_SCIENTIFIC_TAG, lambda _, node: Scientific(node.value))


def parse(text: str) -> Any:
    """The value of a YAML document.

    Raises:
        yaml.YAMLError: The text is no YAML.
        RepeatedKeyError: A key stands twice in a mapping.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _check_keys(node, "", set())
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _check_keys(node: yaml.Node | None, path: str, seen: set[int]) -> None:
    # An alias leads to a node that was seen, possibly to one that it is part of.
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _check_keys(child, path, seen)
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
                raise RepeatedKeyError(msg)
            lines[key.value] = line
        _check_keys(value, inner, seen)
