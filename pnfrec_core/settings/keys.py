"""The keys of settings, as a tree: what each means, what it may be and its default, from dataclasses alone.

A field of a dataclass is a key, and its meaning is what the docstring of the dataclass says about it. What neither the
docstring nor the type says, the `metadata` of the field does (`fields`).
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeGuard

from pnfrec_core.settings.docstrings import read_docstring
from pnfrec_core.settings.fields import CHOICES, EXAMPLE

_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", type(None): "null"}
_PLURALS = {int: "whole numbers", float: "numbers", str: "texts"}


@dataclasses.dataclass(frozen=True)
class Key:
    """A key with a value.

    Attributes:
        path: With the sections that it is in, such as `model.alpha`.
        kind: In words: "number", "one of dot, cosine".
        meaning: By the docstring.
        required: Whether it has no default.
        default: Its default, as plain values; of a required key the example.
        choices: Names that its value may be, with what each means, where the dataclass says so.
        entries: Keys of each part of it, where it is a mapping of names to settings, or settings or null.
        named: Whether its parts have names that the user chooses, as the bounds of the gate do.
    """

    path: str
    kind: str
    meaning: str
    required: bool
    default: Any
    choices: tuple[tuple[str, str], ...] = ()
    entries: tuple["Key", ...] = ()
    named: bool = False

    @property
    def name(self) -> str:
        """Without its sections."""
        return self.path.rpartition(".")[2]


@dataclasses.dataclass(frozen=True)
class Section:
    """Keys with something in common.

    Attributes:
        path: With the sections that it is in; "" of the whole.
        meaning: By the docstring, paragraphs with blank lines between.
        parts: Its keys, then its sections, each in the order of the dataclass.
    """

    path: str
    meaning: str
    parts: tuple["Key | Section", ...]

    @property
    def name(self) -> str:
        """Without the sections that it is in."""
        return self.path.rpartition(".")[2]

    def all_keys(self) -> Iterator[Key]:
        """Every key in it, also of inner sections."""
        for part in self.parts:
            if isinstance(part, Key):
                yield part
            else:
                yield from part.all_keys()

    def all_sections(self) -> Iterator["Section"]:
        """This section and every one in it."""
        yield self
        for part in self.parts:
            if isinstance(part, Section):
                yield from part.all_sections()

    def only(self, path: str) -> "Section":
        """The same with nothing but a key, or with nothing but a section and what is in it.

        Args:
            path: Such as `model.alpha` or `model`. What is inside of a key, as `gate.bounds.hr_n` is, chooses the key.

        Raises:
            LookupError: There is none of that path; the message names the nearest one.
        """
        for part in self.parts:
            if part.path == path or (isinstance(part, Key) and part.entries and path.startswith(f"{part.path}.")):
                return dataclasses.replace(self, parts=(part,))
            if isinstance(part, Section) and path.startswith(f"{part.path}."):
                return dataclasses.replace(self, parts=(part.only(path),))
        known = [key.path for key in self.all_keys()] + [
            section.path for section in self.all_sections() if section.path
        ]
        near = difflib.get_close_matches(path, known, n=1, cutoff=0.5)
        msg = f"There is no key `{path}`." + (f" Did you mean `{near[0]}`?" if near else "")
        raise LookupError(msg)


def tree_of(kind: type, path: str = "") -> Section:
    """The keys of a dataclass of settings.

    Args:
        kind: The dataclass. A field that is a dataclass in turn is a section; one that may be null, and a mapping to
            dataclasses, is a key whose parts are told with it.
        path: Of the section.
    """
    prose, meanings = read_docstring(kind)[0], _meanings(kind)
    hints = typing.get_type_hints(kind)
    parts: list[Key | Section] = []
    for field in dataclasses.fields(kind):
        own = f"{path}.{field.name}" if path else field.name
        hint = hints[field.name]
        meaning = meanings.get(field.name, "")
        parts.append(tree_of(hint, own) if _is_settings(hint) else _key(own, hint, meaning, field))
    return Section(path, prose, tuple(sorted(parts, key=lambda part: isinstance(part, Section))))


def _meanings(kind: type) -> dict[str, str]:
    """What the docstrings of a dataclass, and of those that it extends, say of their keys; its own counts most."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if dataclasses.is_dataclass(each):
            found |= read_docstring(each)[1]
    return found


def plain(value: Any) -> Any:
    """A value as YAML writes it: settings as mappings of what is not their default."""
    if dataclasses.is_dataclass(value):
        named = {field.name: (getattr(value, field.name), _default(field)) for field in dataclasses.fields(value)}
        return {name: plain(own) for name, (own, default) in named.items() if own != default}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _key(path: str, hint: Any, meaning: str, field: "dataclasses.Field[Any]") -> Key:
    default = _default(field)
    # An example stands where there has to be a value, though another key may take its place.
    required = default is dataclasses.MISSING or EXAMPLE in field.metadata
    inner = _settings_in(hint)
    names, choices = _choices(field)
    return Key(
        path,
        kind_of(hint, names),
        meaning,
        required,
        plain(field.metadata[EXAMPLE] if required and EXAMPLE in field.metadata else None if required else default),
        choices,
        tuple(tree_of(inner, path).all_keys()) if inner else (),
        typing.get_origin(hint) is dict,
    )


def _default(field: "dataclasses.Field[Any]") -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _choices(field: "dataclasses.Field[Any]") -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The names that a text may be, and those of them that a meaning comes with."""
    choices = field.metadata.get(CHOICES, ())
    choices = choices() if callable(choices) else choices
    return tuple(choices), tuple(choices.items()) if isinstance(choices, Mapping) else ()


def _settings_in(hint: Any) -> type | None:
    """The dataclass inside of a union or a mapping."""
    return next(filter(_is_settings, typing.get_args(hint)), None)


def _is_settings(hint: Any) -> TypeGuard[type]:
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def kind_of(hint: Any, choices: tuple[str, ...] = ()) -> str:
    """What a value may be, in words.

    Args:
        hint: The type.
        choices: What a text may be.

    >>> kind_of(float | Literal["median", "column"])
    'number, or one of median, column'
    >>> kind_of(list[str]), kind_of(int | None), kind_of(bool)
    ('list of texts', 'whole number or null', 'true or false')
    """
    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, members))}"
    if origin in (types.UnionType, typing.Union):
        words = [kind_of(member) for member in members]
        return ", or ".join(words) if any(" one of " in f" {word}" for word in words) else " or ".join(words)
    if origin is dict:
        if not choices and not any(_is_settings(member) for member in members):
            return "names, each with a value"
        return f"names out of {', '.join(choices)}, each with keys" if choices else "names, each with keys"
    if origin is list:
        named = f" out of {', '.join(choices)}" if choices else ""
        return "list of keys" if _is_settings(members[0]) else f"list of {_PLURALS[members[0]]}{named}"
    if _is_settings(hint):
        return "keys"
    return f"one of {', '.join(choices)}" if choices else _WORDS[hint]
