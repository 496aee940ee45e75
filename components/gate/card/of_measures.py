"""The measures of the card: each with its interval, its bounds and its verdict, the slices, and the limits."""

import dataclasses

from components.gate.card.document import Block, Facts, Paragraph, Points, Section, Table, Words
from components.gate.card.sources import Sources
from components.gate.report import render
from components.gate.report.content import AtRandom, Report, Row
from components.gate.report.intervals import Interval
from pnfrec_core import schema
from pnfrec_core.lists import LIST_METRICS
from pnfrec_core.popularity import BUCKETS

_FEATURES = {
    schema.HISTORY_LENGTH_BUCKET: ("history", "By the length of the history: likes and dislikes before the target."),
    schema.TARGET_POPULARITY_BUCKET: (
        "target",
        "By how popular the target is: head is the 10 % of the items that were chosen most in training, middle the "
        "next 40 %, tail the rest.",
    ),
}
_NONE = "-"
_HEADER = ("measure", "value", "95 % interval", "examples", "bound")
_BASELINE = ("last blessed", "change", "95 % interval of the change")
_VERDICT = ("verdict",)


def measures(sources: Sources) -> Section:
    """What the gate measured, and how it judged."""
    report = sources.report
    of_users = tuple(row for row in report.rows if row.metric not in LIST_METRICS)
    blocks: list[Block] = [
        Paragraph(
            f"At k = {report.k}, on {report.count_p:,} test examples with a liked target (p) and {report.count_n:,} "
            "with a disliked one (n). The whole catalogue is ranked for each, without what the user has seen. HR is "
            "the share of targets among the first k; NDCG and MRR count those more that stand further in front."
        ),
        _table((*of_users, *report.response_rows), report.has_baseline),
    ]
    if failures := report.failures:
        blocks.append(Points(tuple(row.sentence for row in failures)))
    blocks += [Paragraph(note) for note in report.notes]
    if report.at_random is not None:
        blocks += _at_random(report.at_random, report.has_baseline)
    notes = [note for note in render.footnotes(report) if note != render.LIST_NOTE]
    blocks += [Paragraph(note) for note in notes]
    return Section("Measures", tuple(blocks))


def _at_random(found: AtRandom, has_baseline: bool) -> list[Block]:
    """The same measures of what was shown at random."""
    if not found.rows:
        return [Paragraph(f"{render.RANDOM_TITLE} ({render.RANDOM_NOTE}): {render.NOTHING_RANDOM}")]
    words = Paragraph(
        f"{render.RANDOM_TITLE} ({render.RANDOM_NOTE}): the same measures where no model had chosen what people saw, "
        f"on {found.count_p:,} examples with a liked target and {found.count_n:,} with a disliked one."
    )
    own = tuple(dataclasses.replace(row, where="") for row in found.rows if row.metric not in LIST_METRICS)
    return [words, _table(own, has_baseline)]


def slices(sources: Sources) -> tuple[Section, ...]:
    """The measures of parts of the examples; no section where the gate has no slices."""
    report = sources.report
    if not report.slices:
        return ()
    blocks: list[Block] = []
    for feature in dict.fromkeys(part.feature for part in report.slices):
        label, sentence = _FEATURES.get(feature, (feature, f"By {feature}."))
        header = (label, "examples p", "examples n", *render.SLICE_METRICS)
        rows = tuple(
            (
                *(part.value, f"{part.count_p:,}", f"{part.count_n:,}"),
                *(render.number(part.metrics.get(metric)) for metric in render.SLICE_METRICS),
            )
            for part in report.slices
            if part.feature == feature
        )
        blocks += [Paragraph(sentence), Table(header, rows)]
    blocks.append(Paragraph("A value of few examples says little: no interval was measured here, but of bounded ones."))
    if report.slice_rows:
        blocks += [Paragraph("Bounds on slices:"), _table(report.slice_rows, report.has_baseline)]
    return (Section("Slices", tuple(blocks)),)


def limits(sources: Sources) -> Section:
    """What the model cannot do, and how popular the lists are."""
    report = sources.report
    found = {row.metric: row for row in report.rows}
    points = (
        Words(
            "The model knows the items of its training alone. Other ids in a history are passed over and counted "
            "(`known_items`), and an item that came later is never listed before the next training."
        ),
        Words(
            "Whose history has no known item gets the list by popularity, marked as `fallback`. How many queries that "
            "are is not measured here: a server counts them (`pnfrec_rows_fallback_total`)."
        ),
        Words(
            "The pipeline reads no traits of people, such as age or gender, so nothing is known about whether groups "
            "of people are served alike."
        ),
        Words("The measures hold for the people and the time of the test examples, and for lists of that length."),
    )
    pairs = tuple((words, _of_lists(found[metric])) for metric, words in _LISTS.items() if metric in found)
    return Section(
        "Limits",
        (
            Points(points),
            Paragraph(f"What the lists of all test examples hold, {report.k} items each:"),
            Facts(pairs),
            _shares(found),
        ),
    )


_LISTS = {
    "coverage": "Share of the catalogue in any list (coverage)",
    "gini": "Gini index of how often items are listed",
    "novelty": "Novelty in bits",
    "diversity": "Share of the pairs in a list that come from two groups (diversity)",
    "miscalibration": "Miscalibration",
}


def _of_lists(row: Row) -> str:
    bounds = f"; bound {', '.join(row.bounds)}: {row.verdict}" if row.bounds else ""
    return f"{render.number(row.value)}{bounds}" if row.value is not None else Words("not recorded")


def _shares(found: dict[str, Row]) -> Table:
    rows = tuple(
        (bucket, *(render.number(found[f"{kind}_{bucket}"].value) for kind in ("list", "target"))) for bucket in BUCKETS
    )
    return Table(("popularity of items", "share in the lists", "share of the liked targets"), rows)


def _table(rows: tuple[Row, ...], has_baseline: bool) -> Table:
    header = (*_HEADER, *(_BASELINE if has_baseline else ()), *_VERDICT)
    lines = []
    for row in rows:
        line = [row.name, render.number(row.value), _unbroken(_span(row.interval)), f"{row.examples:,}"]
        line.append(", ".join(map(_unbroken, row.bounds)) or _NONE)
        if has_baseline:
            line += [render.number(row.baseline), render.number(row.change, signed=True)]
            line.append(_unbroken(_span(row.change_interval, signed=True)))
        lines.append((*line, _unbroken(row.verdict)))
    return Table(header, tuple(lines))


def _unbroken(text: str) -> str:
    """A cell that is hard to read where it is broken in two."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _span(interval: Interval | None, signed: bool = False) -> str:
    if interval is None:
        return _NONE
    return " to ".join(render.number(end, signed) for end in interval)


def value_of(report: Report, metric: str) -> str:
    """A measure with its interval in words; "" where it is not measured."""
    row = next((row for row in report.rows if row.metric == metric), None)
    if row is None or row.value is None:
        return ""
    within = f" (95 % interval {_span(row.interval)})" if row.interval else ""
    return f"{render.number(row.value)}{within}"
