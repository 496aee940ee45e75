"""`pnfrec results`: collects the summaries of studies and writes the document of all results."""

import re
from pathlib import Path

import click


@click.command()
@click.option(
    "--studies",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("runs/studies"),
    show_default=True,
    help="Folder of studies, at any depth.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("docs/results.md"),
    show_default=True,
    help="The document.",
)
def results(studies: Path, output: Path) -> None:
    """Write the document of results, from the summaries that `pnfrec experiment` left in its folders.

    Summaries, tables and ranks are copied into a folder named as the document, such as docs/results/DATA/STUDY, beside
    their pictures. The document is made of all studies in that folder, also of those that were copied at another time:
    so it can be made again from what is committed. To take a study out, remove its folder there.

    Exit status: 0 done, 2 there is no study, or a summary cannot be used.
    """
    from pipeline.refused import RefusedError
    from studies.commands.experiment import require_pictures
    from studies.results.summary import SummaryError

    require_pictures()
    try:
        number = collect(studies, output)
    except SummaryError as error:
        raise RefusedError(str(error)) from error
    except OSError as error:
        where = error.filename or output
        msg = f"{where}: cannot be read or written ({error.strerror}). Mend that, or name another --output."
        raise RefusedError(msg) from error
    click.echo(f"{output}: {number} {'study' if number == 1 else 'studies'}")


def collect(studies: Path, output: Path) -> int:
    """Copies the small files of all studies below `studies` beside `output`, and writes `output` from the copies.

    Returns:
        How many studies the document holds.

    Raises:
        SummaryError: There is no summary, one cannot be read, or two are of the same study and data.
    """
    from pnfrec_core.files import write
    from studies.commands.document import to_markdown
    from studies.outputs import SUMMARY
    from studies.page import pictures
    from studies.results.summary import read

    home = output.with_suffix("")
    _copy(studies, home)
    found = []
    for path in sorted(home.rglob(SUMMARY)):
        summary = read(path)
        drawn = pictures.of_results(summary)
        for old in path.parent.glob("*.svg"):
            if old.stem not in {picture.name for picture in drawn}:
                old.unlink()
        for picture in drawn:
            write(path.parent / f"{picture.name}.svg", picture.svg)
        found.append((summary, drawn, path.parent.relative_to(output.parent).as_posix()))
    found.sort(key=lambda each: (each[0].data.name, each[0].study))
    write(output, to_markdown(found, home.name, _shown(home), _shown(output)))
    return len(found)


def _copy(studies: Path, home: Path) -> None:
    from pnfrec_core.files import write
    from studies.outputs import RANKS, RESULTS, SUMMARY
    from studies.results.summary import SummaryError, read

    seen: dict[Path, Path] = {}
    for path in sorted(studies.rglob(SUMMARY)):
        summary = read(path)
        target = home / _slug(summary.data.name) / _slug(summary.study)
        if target in seen:
            msg = (
                f"{path} and {seen[target]} are both of the study {summary.study} on {summary.data.name}. Keep one of "
                "them, or give one study another name."
            )
            raise SummaryError(msg)
        seen[target] = path
        target.mkdir(parents=True, exist_ok=True)
        if path.parent.resolve() == target.resolve():
            continue
        for name in (SUMMARY, RESULTS, RANKS):
            if (path.parent / name).is_file():
                write(target / name, (path.parent / name).read_bytes())
            else:  # of an earlier run of the study, which the summary does not tell of
                (target / name).unlink(missing_ok=True)
    if not seen:
        msg = f"There is no {SUMMARY} below {studies}. Run a study first: pnfrec experiment."
        raise SummaryError(msg)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") or "study"


def _shown(path: Path) -> str:
    """Counted from the folder above the document's, so that no machine's path is in it."""
    return f"{path.resolve().parent.name}/{path.name}"
