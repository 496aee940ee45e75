"""The data of the card: where it is from, how much it is, and what was held out."""

from components.feedback.rules.boundary import positive_rule
from components.feedback.rules.splits import SPLIT_RULES
from components.gate.card.document import MISSING, Block, Facts, Paragraph, Section, Table, Words
from components.gate.card.sources import Sources, at, share, told
from pnfrec_core import schema

_TARGETS = {
    "last": "the very last held-out row of each user",
    "successive": "each held-out row of a user, after the history before it",
}


def data(sources: Sources) -> Section:
    """What the model was trained on and judged by."""
    statistics = sources.statistics
    facts = [
        ("Name", told(sources.config, "name")),
        ("Files", told(sources.config, "feedback", "files")),
        ("Times", _times(sources)),
        ("Read", _amount(sources, "rows", "read")),
        ("In training", _amount(sources, "training_rows", "training", "catalogue")),
        ("Liked is", _liked(sources)),
        ("Share of likes", _likes(sources)),
        ("Split", _split(sources)),
        ("Targets", _TARGETS.get(at(statistics, "targets"), told(statistics, "targets"))),
    ]
    blocks: list[Block] = [Facts(tuple(facts))]
    if at(statistics, "examples") is not None:
        blocks.append(_splits(sources))
        blocks.append(
            Paragraph(Words("The validation examples chose the epoch; the gate judged the model on those of the test."))
        )
    if warnings := at(statistics, "warnings"):
        # They may name ids of users, which have no place in a card that is handed around.
        told_of = f"The feedback has {len(warnings)} warning{'s' * (len(warnings) != 1)}"
        blocks.append(Paragraph(Words(f"{told_of}: see `statistics/report.html` of FeedbackGen.")))
    return Section("Data", tuple(blocks))


def _times(sources: Sources) -> str:
    first, last = (told(sources.statistics, "times", f"{end}_date") for end in ("first", "last"))
    if MISSING in (first, last):
        is_order = at(sources.statistics, "times", "unit") is not None
        return Words("not recorded as dates: they only put the rows in order") if is_order else MISSING
    return f"{first} to {last}"


def _amount(sources: Sources, rows: str, users: str, items: str = "") -> str:
    found = sources.statistics
    in_rows = told(found, "rows", "read") if rows == "rows" else told(found, rows)
    parts = (in_rows, told(found, "users", users), told(found, "items", items or users))
    return f"{parts[0]} rows, {parts[1]} users, {parts[2]} items" if MISSING not in parts else MISSING


def _liked(sources: Sources) -> str:
    positive = at(sources.statistics, "positive")
    return positive_rule(positive["rule"], positive["threshold"]) if positive else MISSING


def _likes(sources: Sources) -> str:
    kept = at(sources.statistics, "rows", "kept")
    if not kept:
        return MISSING
    liked = sum(part["positive"] for part in kept.values())
    disliked = sum(part["negative"] for part in kept.values())
    return f"{share(liked, liked + disliked)} of {liked + disliked:,} rows"


def _split(sources: Sources) -> str:
    name = at(sources.statistics, "split", "rule")
    if name is None:
        return MISSING
    said = f"{name}: {SPLIT_RULES[name].summary}" if name in SPLIT_RULES else str(name)
    date = at(sources.statistics, "split", "date")
    return f"{said}; that time is {date}" if date else said


def _splits(sources: Sources) -> Table:
    rows = []
    for split in schema.SPLITS:
        kept = at(sources.statistics, "rows", "kept", split) or {}
        liked, disliked = kept.get("positive"), kept.get("negative")
        both = None if liked is None or disliked is None else liked + disliked
        examples = at(sources.statistics, "examples", split) or {}
        rows.append(
            (
                split,
                told(examples, "all"),
                *(told(examples, name) if split != schema.TRAIN_SPLIT else "-" for name in ("positive", "negative")),
                told({"rows": both}, "rows"),
                share(liked, both),
            )
        )
    header = ("split", "examples", "liked targets", "disliked targets", "rows", "share of likes")
    return Table(header, tuple(rows))
