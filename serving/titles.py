"""Titles of items for people: reads `items.jsonl` and finds the item that somebody typed. Standard library only."""

import dataclasses
import difflib
import itertools
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pnfrec_core import schema, versions
from serving import folders

# "Inception (2010)" is found by "inception".
_YEAR = re.compile(r"\s*\(\d{4}\)\s*$")
_CANDIDATES_SHOWN = 8


class ItemLookupError(LookupError):
    """A word that names no item, or several."""


class UnknownItemError(ItemLookupError):
    """A word that names no item of the catalogue."""


@dataclasses.dataclass(frozen=True)
class Titles:
    """The items of one model version.

    Attributes:
        titles: Item id to title, in the order of the catalogue: most frequent first. "" where an item has no title.
        source: The file that they come from.
    """

    titles: Mapping[str, str]
    source: Path

    def __len__(self) -> int:
        return len(self.titles)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.titles

    def title(self, item_id: str) -> str:
        """The title, or "" if there is none."""
        return self.titles.get(item_id, "")

    def resolve(self, text: str) -> str:
        """The id of the item that `text` names.

        The first of these rules that finds an item decides: it is an id; it is a title; it is a title but for upper and
        lower case; it is a title without its year; exactly one title begins with it. The last three ignore case.

        Raises:
            UnknownItemError: No rule finds an item; the message names the closest titles.
            ItemLookupError: The rule finds several; the message lists them.

        >>> titles = Titles({"tt1375666": "Inception (2010)", "tt1049413": "Up (2009)"}, Path("items.jsonl"))
        >>> titles.resolve("inception"), titles.resolve("UP (2009)"), titles.resolve("tt1049413")
        ('tt1375666', 'tt1049413', 'tt1049413')
        """
        if text in self.titles:
            return text
        wanted = text.strip().casefold()
        rules = (
            lambda title: title == text,
            lambda title: title.casefold() == wanted,
            lambda title: _YEAR.sub("", title).casefold() == wanted,
            lambda title: title.casefold().startswith(wanted),
        )
        for rule in rules if wanted else ():
            found = [item_id for item_id, title in self.titles.items() if title and rule(title)]
            if len(found) == 1:
                return found[0]
            if found:
                shown = self._list(found[:_CANDIDATES_SHOWN])
                more = "" if len(found) <= _CANDIDATES_SHOWN else f", and {len(found) - _CANDIDATES_SHOWN} more"
                msg = f"{text!r} names {len(found)} items: {shown}{more}. Give the full title or the id."
                raise ItemLookupError(msg)
        raise UnknownItemError(self._unknown(text, wanted))

    def find(self, words: Sequence[str], most: int) -> list[str]:
        """Ids of items whose title or id holds each of `words`, the most frequent items first.

        Args:
            words: Without regard to case. None at all find nothing.
            most: How many at most.
        """
        if not words:
            return []
        wanted = [word.casefold() for word in words]
        found = (
            item_id
            for item_id, title in self.titles.items()
            if all(word in f"{title} {item_id}".casefold() for word in wanted)
        )
        return [*itertools.islice(found, most)]

    def _unknown(self, text: str, wanted: str) -> str:
        by_title: dict[str, str] = {}
        for item_id, title in self.titles.items():
            if title:
                by_title.setdefault(title.casefold(), item_id)
                # So that a typing error in the name counts for more than the missing year.
                by_title.setdefault(_YEAR.sub("", title).casefold(), item_id)
        close = difflib.get_close_matches(wanted, by_title, n=5, cutoff=0.6)
        ids = list(dict.fromkeys(by_title[title] for title in close))
        msg = f"{text!r} is neither an id nor a title among the {len(self)} items of {self.source}."
        return f"{msg} Close: {self._list(ids)}." if ids else msg

    def _list(self, item_ids: Iterable[str]) -> str:
        return ", ".join(f"{self.titles[item_id]} [{item_id}]" for item_id in item_ids)


def read_titles(path: str | Path) -> Titles:
    """Reads an `items.jsonl`.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is not a record of the vocabulary; the message names file and line.
    """
    titles = {}
    with Path(path).open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
                item_id, title = record[schema.VOCABULARY_ID], record.get(schema.VOCABULARY_TITLE) or ""
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                msg = (
                    f"{path}, line {number}: expected a JSON object with `{schema.VOCABULARY_ID}`. Received: {line!r}."
                )
                raise ValueError(msg) from error
            titles[str(item_id)] = str(title)
    return Titles(titles, Path(path))


def items_file(base: str | Path, version: int | None = None) -> Path:
    """The `items.jsonl` of a pushed version.

    Args:
        base: Holds a folder a version.
        version: Its number; None takes the newest that is complete.

    Raises:
        FileNotFoundError: There is no such version, or it has no `items.jsonl`.
    """
    found = folders.version_folders(base) if os.path.isdir(base) else {}
    complete = {number: folder for number, folder in found.items() if folders.is_complete(folder)}
    wanted = max(complete, default=None) if version is None else version
    if wanted is None or wanted not in complete:
        asked = "version" if wanted is None else f"version {wanted}"
        known = ", ".join(str(number) for number in sorted(complete)) or "none"
        msg = f"{base} holds no {asked} with a {versions.SAVED_MODEL_FILE}. Versions there: {known}."
        raise FileNotFoundError(msg)
    path = complete[wanted] / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE
    if not path.is_file():
        msg = f"{path} is missing, so there are no titles. Give the file of another place with --items."
        raise FileNotFoundError(msg)
    return path
