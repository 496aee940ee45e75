"""Settings as YAML with comments: every key with what it means, or the settings of a file with what it changed."""

import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from pnfrec_core.settings.keys import Key, Section, plain

WIDTH = 100


def write_defaults(section: Section) -> str:
    """Every key with its meaning, what it may be, and its default.

    It is YAML that loads to the defaults, and to the examples of what is required.
    """
    told: dict[tuple[str, ...], str] = {}

    def write(key: Key, indent: str) -> Iterator[str]:
        yield from _comment(key.meaning, indent)
        for name, meaning in key.choices:
            yield from _wrapped(f"{name}: {meaning}", f"{indent}#   ", f"{indent}#     ")
        yield from _entries(key, told, indent)
        yield from _assignment(key.name, key.default, ("required; " if key.required else "") + key.kind, indent)

    return "\n".join(_lines(section, write, _comment)) + "\n"


def write_resolved(section: Section, settings: Any) -> str:
    """Every key with its value in some settings, and the default beside each that has another.

    Args:
        section: The keys.
        settings: The dataclass that they are of.
    """

    def write(key: Key, indent: str) -> Iterator[str]:
        value: Any = settings
        for name in key.path.split("."):
            value = getattr(value, name)
        value = plain(value)
        same = value == key.default and not key.required
        note = "" if same else "required" if key.required else f"default: {as_flow(key.default)}"
        yield from _assignment(key.name, value, note, indent)

    return "\n".join(_lines(section, write, None)) + "\n"


def _lines(
    section: Section,
    write_key: Callable[[Key, str], Iterator[str]],
    write_meaning: Callable[[str, str], Iterator[str]] | None,
) -> Iterator[str]:
    """The lines of a section: of its keys, then of its inner sections, each below its own name."""
    indent = "  " * (section.path.count(".") + 1) if section.path else ""
    for place, part in enumerate(section.parts):
        if isinstance(part, Key):
            lines = [*write_key(part, indent)]
        else:
            lines = [*write_meaning(part.meaning, indent)] if write_meaning else []
            lines += [f"{indent}{part.name}:", *_lines(part, write_key, write_meaning)]
        if place and not section.path and (write_meaning or isinstance(part, Section)):
            yield ""
        yield from lines


def _entries(key: Key, told: dict[tuple[str, ...], str], indent: str) -> Iterator[str]:
    """The keys of each part of a key, unless those of another key, which were told before, are the same.

    Args:
        key: The key.
        told: Texts of entries to the path of the key that they were told at; it grows.
        indent: Of the line.
    """
    texts = tuple(
        f"{entry.name} ({entry.kind}; {'required' if entry.required else 'default ' + as_flow(entry.default)}): "
        f"{entry.meaning}"
        for entry in key.entries
    )
    if not texts:
        return
    if texts in told:
        yield from _comment(f"The keys are those of `{told[texts]}`.", indent)
        return
    told[texts] = key.path
    yield f"{indent}# {'Each of them has the keys' if key.named else 'The keys'}:"
    for text in texts:
        yield from _wrapped(text, f"{indent}#   ", f"{indent}#     ")


def _assignment(name: str, value: Any, note: str, indent: str) -> Iterator[str]:
    """`name: value`, with the note behind it where it fits into the line, and else above."""
    lines = [f"{name}: {as_flow(value)}"]
    nested = isinstance(value, dict) and any(isinstance(each, dict) for each in value.values())
    if nested or (isinstance(value, list | dict) and len(indent + lines[0]) > WIDTH):
        style = None if nested else False
        lines = yaml.safe_dump(
            {name: value}, default_flow_style=style, sort_keys=False, allow_unicode=True
        ).splitlines()
    beside = f"{lines[0]}  # {note}" if note else lines[0]
    if len(indent + beside) > WIDTH:
        yield from _comment(note[0].upper() + note[1:] + ".", indent)
        beside = lines[0]
    yield indent + beside
    yield from (indent + line for line in lines[1:])


def as_flow(value: Any) -> str:
    """A value on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()


def _comment(text: str, indent: str) -> Iterator[str]:
    """Paragraphs as comments; lines that are indented, such as formulas, stay as they are."""
    for number, paragraph in enumerate(text.split("\n\n") if text else ()):
        if number:
            yield f"{indent}#"
        if paragraph.startswith(" "):
            yield from (f"{indent}# {line}" for line in paragraph.splitlines())
        else:
            yield from _wrapped(paragraph, f"{indent}# ", f"{indent}# ")


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )
