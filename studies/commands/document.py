"""`docs/results.md`: the results of all studies, and beside them, apart, the published ones."""

from collections.abc import Iterable, Mapping, Sequence

from studies.page import sentences
from studies.page.pictures import Picture
from studies.results.published import MEASURES, published
from studies.results.ranks import COMPARED
from studies.results.summary import Summary

# With more arms than this a table is not for reading: the pictures, and results.csv beside them.
_ROWS = 16
_INTRODUCTION = """\
# Results

Made by `pnfrec results` from the small files of each study that lie in [{folder}]({folder}): do not edit it by hand.
`pnfrec results --studies {home} --output {output}` makes it again from them, and
`pnfrec experiment STUDY --config YAML` runs a study anew.

A table holds what was run here, or what others published, never both. Each row names its data and how targets were
made of it. p: targets that the user liked, higher is better. n: disliked ones, false positives, lower is better. Δ is p
minus n, higher is better. Means are over seeds, ± is the standard deviation over seeds; a baseline has no chance in it,
and so no seed, unless the seeds draw the test users."""
_PUBLISHED = """\
## Published by the authors: not run here

Means of 5 runs ± SD at k = 10, as printed in the paper. Other data, other preparation and other sizes of network than
above: the numbers are not to be compared with ours."""


def to_markdown(studies: Sequence[tuple[Summary, Sequence[Picture], str]], folder: str, home: str, output: str) -> str:
    """The document.

    Args:
        studies: Each with its pictures and the folder of these, as links name it; in the order of the document.
        folder: All studies' folder, as links name it.
        home: That folder, as the command names it.
        output: The document, as the command names it.
    """
    parts = [_INTRODUCTION.format(folder=folder, home=home, output=output)]
    data = ""
    for summary, pictures, place in studies:
        if summary.data.name != data:
            data = summary.data.name
            parts.append(f"## Run here: {_text(data)}")
        parts += _study(summary, pictures, place)
    if not studies:
        parts.append("## Run here\n\nNothing yet.")
    parts += [_PUBLISHED, _published()]
    return "\n\n".join(parts) + "\n"


def _study(summary: Summary, pictures: Sequence[Picture], place: str) -> list[str]:
    parts = [f"### {_text(summary.study)}: {_text(summary.question)}", _facts(summary)]
    if gaps := sentences.gaps(summary):
        parts.append("\n".join(f"- **{_text(gap)}**" for gap in gaps))
    if findings := sentences.findings(summary):
        parts.append("\n".join(f"- {_text(finding)}" for finding in findings))
    parts.append(_text(sentences.selection(summary)))
    if shares := sentences.shares(summary):
        parts += [_text(sentences.shares_note()), _table(list(sentences.SHARES), shares, texts=1)]
    if len(summary.arms) <= _ROWS:
        parts.append(_means(summary))
        for note, names in sentences.further_tables(summary):
            parts += [_text(note), _means(summary, names)]
    else:
        parts.append(f"{len(summary.arms)} arms: their means are in [summary.json]({place}/summary.json).")
    views = summary.comparisons()
    if views:
        parts.append(_text(sentences.intervals(views[0])) + " Bold: the interval leaves zero out.")
    if len(summary.arms) <= _ROWS:
        for number, view in enumerate(views):
            parts += [_text(sentences.beside(view))] if number else []
            parts.append(_differences(view))
            parts += [_differences(view, names) for _, names in sentences.further_tables(view)]
    parts += [f"![{_text(each.heading)}]({place}/{each.name}.svg)\n\n{_text(each.caption)}" for each in pictures]
    return parts


def _facts(summary: Summary) -> str:
    data = summary.data
    negative = data.targets - data.positive_targets
    versions = ", ".join(f"{name} {version}" for name, version in summary.versions.items())
    return _text(
        f"{data.name}: {data.rows:,} training rows, {data.users:,} training users, {data.items:,} items; "
        f"{data.protocol}. {data.targets:,} test targets of {data.target_users:,} users, "
        f"{data.positive_targets:,} liked and {negative:,} disliked; k = {summary.k}. Run until {summary.date} on "
        f"{summary.machine}, {summary.training_seconds / 60:,.0f} minutes of training in all; {versions}."
    )


def _means(summary: Summary, shown: Sequence[str] = (*COMPARED, "coverage")) -> str:
    head = ["data", "protocol", "arm", "seeds", *map(sentences.measure_label, shown)]
    rows = [
        [*_origin(summary), arm.name, sentences.seeds_text(arm), *(sentences.mean_text(arm, name) for name in shown)]
        for arm in summary.arms
    ]
    return _table(head, rows, texts=3)


def _differences(summary: Summary, names: Sequence[str] = COMPARED) -> str:
    head = ["data", "protocol", f"arm, less {summary.reference}", *map(sentences.measure_label, names)]
    rows = []
    for arm in summary.others:
        cells = []
        for name in names:
            found = arm.against.get(name)
            text = sentences.interval_text(found)
            sure = found is not None and found.excludes_zero
            cells.append(f"**{text}**{sentences.mark(summary, arm, name)}" if sure else text)
        rows.append([*_origin(summary), arm.name, *cells])
    return _table(head, rows, texts=3, bold=True)


def _origin(summary: Summary) -> tuple[str, str]:
    return summary.data.name, summary.data.protocol


def _published() -> str:
    head = ["data", "model", *map(sentences.measure_label, MEASURES), "best epoch", "source"]
    return _table(head, (_published_row(row, MEASURES) for row in published()), texts=2)


def _published_row(row: Mapping[str, str], shown: Iterable[str]) -> list[str]:
    cells = [f"{row[name]} ± {row[f'{name}_sd']}" for name in shown]
    return [row["data"], row["model"], *cells, row["best_epoch"], f"{row['source']}, not run here"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int, bold: bool = False) -> str:
    """The first `texts` columns to the left, the others to the right. `bold`: cells may hold Markdown's stars."""
    lines = [list(map(_text, head)), ["---"] * texts + ["---:"] * (len(head) - texts)]
    lines += [[_text(cell, stars=bold and place >= texts) for place, cell in enumerate(row)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: str, stars: bool = False) -> str:
    """Text that Markdown shows as it is, on one line."""
    found = " ".join(value.split()).replace("\\", "\\\\")
    for sign in "`|<[]_" + ("" if stars else "*"):
        found = found.replace(sign, f"\\{sign}" if sign not in "<" else "&lt;")
    return found
