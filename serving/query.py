"""What `pnfrec query` does: words to ids, one call, and the answer as a table or as JSON."""

import dataclasses
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving import errors
from serving.client import RecommenderClient
from serving.contract import Recommendations
from serving.titles import Titles, UnknownItemError, items_file, read_titles


@dataclasses.dataclass(frozen=True)
class Entry:
    """One item that the user named; `known` is None where no catalogue is at hand to tell."""

    text: str
    item_id: str
    title: str
    known: bool | None


@dataclasses.dataclass(frozen=True)
class Answer:
    """Recommendations with what a reader needs to judge them."""

    target: str
    model_name: str
    history: list[Entry]
    excluded: list[Entry]
    disliked: list[Entry]
    allowed: list[Entry]
    recommendations: Recommendations
    titles: Titles | None


def ask(
    client: RecommenderClient,
    positive: Sequence[str],
    exclude: Sequence[str],
    k: int,
    items: Path | None = None,
    base: Path | None = None,
    keep_unknown: bool = False,
    negative: Sequence[str] = (),
    gamma: float | None = None,
    allow: Sequence[str] = (),
    max_per_group: int = 0,
    explain: bool = False,
    user_key: str | None = None,
) -> Answer:
    """Resolves words to ids and asks the server.

    Args:
        client: Connected to the server.
        positive: Ids or titles of the history, oldest first.
        exclude: Ids or titles that must not come back.
        k: How many items.
        items: A vocabulary file for the titles.
        base: Or the folder that the server reads: the vocabulary of the version that serves is taken.
        keep_unknown: Words that name no item are sent as ids.
        negative: Ids or titles that the user disliked.
        gamma: Weight of dislikes; None takes the model's own.
        allow: Ids or titles that alone may come back; none allows all.
        max_per_group: How many items of one group may come back; 0 for as many as there are.
        explain: Asks for the score of each item before the rule of dislikes, and for its group.
        user_key: Whom it is for, by which a server with a canary picks the version.

    Raises:
        serving.titles.ItemLookupError: A word names no item, or several.
        serving.errors.ServingError: The server gave no answer.
        OSError, ValueError: There is no vocabulary file, or it is not one.
    """
    titles, expected = None, None
    if items is not None:
        titles = read_titles(items)
    elif base is not None:
        expected = _served_version(client)
        titles = read_titles(items_file(base, expected))
    history = [_entry(text, titles, keep_unknown) for text in positive]
    excluded = [_entry(text, titles, keep_unknown) for text in exclude]
    disliked = [_entry(text, titles, keep_unknown) for text in negative]
    allowed = [_entry(text, titles, keep_unknown) for text in allow]
    ids = ([entry.item_id for entry in entries] for entries in (history, excluded, disliked, allowed))
    liked_ids, excluded_ids, disliked_ids, allowed_ids = ids
    recommendations = client.recommend(
        liked_ids,
        excluded_ids,
        k,
        negative=disliked_ids or None,
        gamma=gamma,
        allow=allowed_ids or None,
        max_per_group=max_per_group,
        explain=explain,
        user_key=user_key,
    )
    if base is not None and expected is not None and recommendations.version not in (0, expected):
        # A newer version took over between the two calls: its items have its titles.
        titles = read_titles(items_file(base, recommendations.version))
    return Answer(client.target, client.model_name, history, excluded, disliked, allowed, recommendations, titles)


def render(answer: Answer) -> str:
    """The answer as text for a terminal."""
    got = answer.recommendations
    lines = [f"Model {answer.model_name}, version {got.version}, at {answer.target}"]
    named = len(answer.history) + len(answer.disliked)
    if answer.history and answer.disliked:
        lines.append(f"The model knows {got.known_items} of {named} items. Liked, oldest first:")
    elif named:
        what = "History, oldest first" if answer.history else "Only dislikes"
        lines.append(f"{what}; the model knows {got.known_items} of {named}:")
    lines += _entries(answer.history)
    if answer.history and answer.disliked:
        lines.append("Disliked:")
    lines += _entries(answer.disliked)
    if answer.excluded:
        lines.append("Excluded beside the history:")
        lines += _entries(answer.excluded)
    if answer.allowed:
        unknown = f"; the model does not know {got.unknown_allowed} of them" if got.unknown_allowed else ""
        lines.append(f"Allowed, {len(answer.allowed)} items{unknown}:")
        lines += _entries(answer.allowed)
    if got.fallback:
        why = "the model knows no item of the history" if named else "the history is empty"
        lines.append(f"By popularity, not personal: {why}.")
    lines.append("")
    if not got.items:
        return "\n".join([*lines, "No item is left to recommend."])
    return "\n".join([*lines, *_list_of(answer)])


def _list_of(answer: Answer) -> list[str]:
    """The recommended items as a table, with the columns that there is something to say in."""
    got = answer.recommendations
    columns = {"rank": [str(rank) for rank in range(1, len(got.items) + 1)]}
    if answer.titles is not None:
        columns["title"] = [_title(answer.titles, item_id) for item_id, _ in got.items]
    columns["id"] = [item_id for item_id, _ in got.items]
    columns["score"] = [f"{score:.4f}" for _, score in got.items]
    if got.scores_without_rule is not None:
        columns["before"] = [f"{score:.4f}" for score in got.scores_without_rule]
    if got.groups is not None and any(got.groups):
        columns["group"] = got.groups
    return _table(tuple(columns), list(zip(*columns.values(), strict=True)))


def to_record(answer: Answer) -> dict[str, Any]:
    """The answer as JSON: `title` is null where there is none, `known` where no catalogue is at hand."""
    got = answer.recommendations

    def entries(named: list[Entry]) -> list[dict[str, Any]]:
        return [
            {"text": entry.text, "item_id": entry.item_id, "title": entry.title or None, "known": entry.known}
            for entry in named
        ]

    return {
        "model": answer.model_name,
        "version": got.version,
        "target": answer.target,
        "history": entries(answer.history),
        "exclude": entries(answer.excluded),
        "negative": entries(answer.disliked),
        "allow": entries(answer.allowed),
        "known_items": got.known_items,
        "fallback": got.fallback,
        "unknown_allowed": got.unknown_allowed,
        "items": [
            {
                "rank": rank,
                "item_id": item_id,
                "title": _title(answer.titles, item_id) or None,
                "score": score,
                **_more(got, rank - 1),
            }
            for rank, (item_id, score) in enumerate(got.items, start=1)
        ],
    }


def _more(got: Recommendations, place: int) -> dict[str, Any]:
    """What an explained answer tells of the item at a place."""
    if got.scores_without_rule is None or got.groups is None:
        return {}
    return {"score_without_rule": got.scores_without_rule[place], "group": got.groups[place] or None}


def _served_version(client: RecommenderClient) -> int | None:
    """The version that will answer: a newer one may lie in the folder, not loaded yet or not loadable."""
    if client.version is not None:
        return client.version
    try:
        return client.metadata().version
    except (errors.NoVersionError, errors.ModelNotFoundError):
        return None


def _entry(text: str, titles: Titles | None, keep_unknown: bool) -> Entry:
    if titles is None:
        return Entry(text, text, "", None)
    try:
        item_id = titles.resolve(text)
    except UnknownItemError as error:
        if keep_unknown:
            return Entry(text, text, "", False)
        msg = f"{error.args[0]} With --keep-unknown it is sent as an id all the same."
        raise UnknownItemError(msg) from None
    return Entry(text, item_id, titles.title(item_id), True)


def _entries(entries: list[Entry]) -> list[str]:
    marks = {True: "known", False: "unknown", None: ""}
    rows = [(marks[entry.known], entry.item_id, entry.title) for entry in entries]
    widths = [max((_width(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        "  " + "  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True) if width).rstrip()
        for row in rows
    ]


def _title(titles: Titles | None, item_id: str) -> str:
    return "" if titles is None else titles.title(item_id)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns; rank and score to the right."""
    widths = [max(_width(row[column]) for row in [header, *rows]) for column in range(len(header))]
    to_the_right = [name in ("rank", "score", "before") for name in header]
    return [
        "  ".join(_pad(*cell) for cell in zip(row, widths, to_the_right, strict=True)).rstrip()
        for row in [header, *rows]
    ]


def _width(text: str) -> int:
    """Columns on a terminal: wide East Asian letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _pad(text: str, width: int, to_the_right: bool = False) -> str:
    space = " " * (width - _width(text))
    return space + text if to_the_right else text + space
