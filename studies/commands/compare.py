"""`pnfrec compare`: any arm of a finished study as the reference of the others, from the ranks that lie with it."""

import dataclasses
import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from studies.results.ranks import Judged
    from studies.results.summary import ArmSummary, Summary

# Of the sums behind a mean, on another machine.
_ROUNDING = 1e-9


@click.command()
@click.argument("study", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--with", "reference", metavar="ARM", help="The arm to compare with. [default: the study's reference]")
@click.option(
    "--of",
    "other",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the study that has that arm. [default: STUDY]",
)
def compare(study: Path, reference: str | None, other: Path | None) -> None:
    """Compare all arms of a finished study with any arm, its own or another study's.

    STUDY is a folder with summary.json and ranks.npz, such as runs/studies/DATA/STUDY or docs/results/DATA/STUDY.
    Nothing is trained. Two studies can be compared where they have the same test targets.

    Exit status: 0 done, 2 wrong usage, or a study that cannot be compared.
    """
    from pipeline.refused import RefusedError
    from studies.results.ranks import ResultError
    from studies.results.summary import SummaryError

    try:
        text = compared(study, reference, other or study)
    except (ResultError, SummaryError) as error:
        raise RefusedError(str(error)) from error
    click.echo(text)


def compared(study: Path, reference: str | None, other: Path) -> str:
    """The table of differences of all arms of a study from one arm.

    Args:
        study: Folder of the study.
        reference: Name of the arm; None: the reference of `other`.
        other: Folder of the study that has the arm.

    Raises:
        ResultError: The arm is unknown, ranks are missing, or the studies have other targets.
        SummaryError: A summary is missing or damaged.
    """
    from studies.results.chance import differences_of
    from studies.results.ranks import ResultError, differences

    (summary, ranks), (others, their_ranks) = _read(study), _read(other)
    theirs = _arm(others.reference if reference is None else reference, others, other)
    if summary.k != others.k:
        msg = f"{study} looks at lists of {summary.k} items, {other} at lists of {others.k}: they cannot be compared."
        raise ResultError(msg)
    same = study.resolve() == other.resolve()
    arms = [
        dataclasses.replace(arm, against=differences(ranks, arm.name, their_ranks, theirs.name, summary.k))
        for arm in summary.arms
        if not (same and arm.name == theirs.name)
    ]
    if not arms:
        msg = f"{study} has no other arm than {theirs.name}. Name another study with --of."
        raise ResultError(msg)
    title = theirs.name if same else f"{theirs.name} ({others.study})"
    return differences_of(
        dataclasses.replace(summary, reference=title, arms=[dataclasses.replace(theirs, name=title, against={}), *arms])
    )


def _read(folder: Path) -> "tuple[Summary, Judged]":
    """A study's summary and ranks, which have to be of the same trials."""
    from studies.outputs import RANKS, SUMMARY
    from studies.results.ranks import ResultError
    from studies.results.stored import load
    from studies.results.summary import SummaryError, read

    if not (folder / SUMMARY).is_file():
        msg = (
            f"There is no {SUMMARY} in {folder}. It has to be the folder of one study, such as runs/studies/DATA/STUDY."
        )
        raise SummaryError(msg)
    summary, ranks = read(folder / SUMMARY), load(folder / RANKS)
    if not _agree(summary, ranks):
        msg = (
            f"{folder / RANKS} and {folder / SUMMARY} are of different trials: one of them was left by another run. "
            "Write both again: pnfrec experiment, then pnfrec results."
        )
        raise ResultError(msg)
    return summary, ranks


def _agree(summary: "Summary", ranks: "Judged") -> bool:
    """Whether the measures of all trials are those of the ranks."""
    if ranks.arms() != [arm.name for arm in summary.arms]:
        return False
    for arm in summary.arms:
        rows = ranks.measures(arm.name, summary.k)
        if len(rows) != len(arm.trials):
            return False
        for told, found in zip(arm.trials, rows, strict=True):
            if any(abs(told[name] - value) > _ROUNDING for name, value in found.items() if name in told):
                return False
    return True


def _arm(name: str, summary: "Summary", folder: Path) -> "ArmSummary":
    """The arm of that name."""
    from studies.results.ranks import ResultError

    found = summary.arm(name)
    if found is not None:
        return found
    names = [arm.name for arm in summary.arms]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"It has: {'; '.join(names)}."
    msg = f"The study in {folder} has no arm {name!r}. {hint}"
    raise ResultError(msg)
