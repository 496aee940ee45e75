"""`pnfrec experiment`: runs a study, or goes on with it, and prints its table."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from studies.run.runner import Ran
    from studies.study import Study, Trial


@click.command()
@click.argument("study")
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key in all trials.")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder of all studies. [default: runs/studies]"
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Trials at once.")
def experiment(study: str, config_path: Path, overrides: tuple[str, ...], output: Path | None, jobs: int) -> None:
    """Run a study: train each of its arms with several seeds and compare them on the same users.

    STUDY is the name of a ready one (baselines) or a YAML file. A study that was cut off goes on where it stopped. A
    trial that fails stops no other; the next call tries it again. One call at a time works on a study.

    Exit status: 0 done, 1 a trial failed, 2 wrong configuration.
    """
    from pipeline.config import ConfigError, load_config
    from pipeline.output_lock import OutputInUseError, exclusive
    from pipeline.refused import RefusedError
    from pipeline.room import no_room
    from studies.study import WITHOUT_SERVING, load_study, trials

    require_pictures()
    try:
        found = load_study(study)
        planned = trials(found, config_path, overrides)
        base = load_config(config_path, [*WITHOUT_SERVING, *overrides])
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    from pnfrec_core.errors import FeedbackError
    from studies.kept import DamagedTrialError
    from studies.results.ranks import ResultError
    from studies.run.failure import ServerError
    from studies.run.runner import run_trials

    folder = (output or base.output_path.parent / "studies") / base.name / found.name
    click.echo(f"study   {found.name}: {found.question}\ndata    {config_path}\noutput  {folder}\n")
    try:
        # Of a second call the trials and tables would be written over those of the first.
        with exclusive(folder, "--output"):
            ran = run_trials(planned, folder, click.echo, jobs)
            if len(ran.failures) < len(planned):
                _show(ran, planned, found, folder, base)
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    except (OutputInUseError, ServerError, FeedbackError, ResultError, DamagedTrialError, OSError) as error:
        full = no_room(error, [folder])
        if full is None and isinstance(error, OSError):
            raise
        click.secho(f"\nFAILED: {full or error}", fg="red", err=True)
        sys.exit(1)
    if ran.failures:
        click.secho(f"\nFAILED: {_failures(ran, planned, folder)}", fg="red", err=True)
        sys.exit(1)


def _failures(ran: "Ran", planned: "list[Trial]", folder: Path) -> str:
    """Which trials failed, why, and what to do."""
    from studies.run.failure import FAILURES
    from studies.run.trial_process import title

    said = "; ".join(
        f"{title(trial)} ({ran.failures[trial.key].rstrip('.')})" for trial in planned if trial.key in ran.failures
    )
    return (
        f"{len(ran.failures)} of {len(planned)} trials: {said}. The others are kept. What each wrote last is in "
        f"{folder / FAILURES}; mend the cause and run the same command again, which tries these alone."
    )


def require_pictures() -> None:
    """Says what is missing before hours of training, not after.

    Raises:
        UsageError: There is no matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None:
        msg = "The pictures of a study need matplotlib: pip install 'pnfrec[studies]'."
        raise click.exceptions.UsageError(msg)


def _show(ran: "Ran", planned: "list[Trial]", study: "Study", folder: Path, base: "PipelineConfig") -> None:
    """Writes the tables, the summary and the page of a study, and prints its table."""
    import json

    from pnfrec_core.files import write
    from studies import outputs
    from studies.page import build, sentences
    from studies.results import stored, tables
    from studies.results.chance import differences_of
    from studies.results.published import beside_published
    from studies.results.summarise import summarise
    from studies.run.data import prepared
    from studies.run.lengths import read_lengths

    labels = study.labels or study.reference
    configs = {trial.arm.name: trial.config for trial in reversed(planned)}  # of each arm's first trial
    places = {name: prepared(config, folder.parent / "data") for name, config in configs.items()}
    data = places[labels]
    # FeedbackGen's; its own name for the file would bring Beam.
    every = {
        name: json.loads((place / "statistics" / "statistics.json").read_text(encoding="utf-8"))
        for name, place in places.items()
    }
    rows = {name: each["rows"]["kept"] for name, each in every.items()}
    k = planned[0].config.training.k  # which the study may set, too
    summed, found, table, ranks, at_random = summarise(
        study, planned, ran.folders, every[labels], base.name, k, rows, ran.failures
    )

    means = tables.means_table(found, {arm.name: arm.planned for arm in summed.arms})
    parts = [means, *sentences.failures(summed), *sentences.alike(summed), *map(differences_of, summed.comparisons())]
    if study.published:
        best = {str(arm): float(rows["best_epoch"].mean()) for arm, rows in table.groupby("arm")}
        parts.insert(1, beside_published(found, base.name, best))
    text = "\n\n".join([*parts, *tables.at_random_text(at_random, study.reference, study.beside)])
    done = [each for each in ran.folders if (each / outputs.TRIAL_RESULT).is_file()]
    write(folder / outputs.RESULTS, table.to_csv(index=False))
    write(folder / outputs.EPOCHS, tables.epochs(done).to_csv(index=False))
    write(folder / outputs.LENGTHS, read_lengths(data).to_csv(index=False))
    write(folder / outputs.TABLE, text + "\n")
    stored.store(ranks, folder / outputs.RANKS, k)
    write(folder / outputs.SUMMARY, summed.to_json())
    page = build(folder)
    head = f"{found[0].targets:,} test targets, k = {k}, mean +- SD over seeds"
    click.echo(f"\n{head}:\n\n{text}\n\nresults: {folder / outputs.RESULTS}\npage:    {page}")
