"""`pnfrec experiment`: runs a study, or goes on with it, and prints its table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from experiments.study import Study


@click.command()
@click.argument("study")
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key in all trials.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder of all studies. [default: runs/studies]")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Trials at once.")
def experiment(study: str, config_path: Path, overrides: tuple[str, ...], output: Path | None, jobs: int) -> None:
    """Run a study: train each of its arms with several seeds and compare them on the same users.

    STUDY is the name of a ready one (baselines) or a YAML file. A study that was cut off goes on where it stopped.

    Exit status: 0 done, 1 a trial failed, 2 wrong configuration.
    """
    from experiments.study import load_study, trials
    from pipeline.config import ConfigError, load_config

    try:
        found = load_study(study)
        planned = trials(found, config_path, overrides)
        base = load_config(config_path, overrides)
    except ConfigError as error:
        raise click.exceptions.UsageError(str(error)) from error
    from components.feedback.errors import FeedbackError
    from experiments.runner import TrialError, run_trials

    folder = (output or base.output_path.parent / "studies") / base.name / found.name
    click.echo(f"study   {found.name}: {found.question}\ndata    {config_path}\noutput  {folder}\n")
    try:
        folders = run_trials(planned, folder, click.echo, jobs)
    except (TrialError, FeedbackError) as error:
        click.secho(f"\nFAILED: {error}", fg="red", err=True)
        sys.exit(1)
    _show(folders, found, folder, base.training.k)


def _show(folders: list[Path], study: "Study", folder: Path, k: int) -> None:
    from experiments import results
    from pnfrec_keras import schema

    results.tidy(folders).to_csv(folder / "results.csv", index=False)
    results.epochs(folders).to_csv(folder / "epochs.csv", index=False)
    found = results.arm_results(folders, study.reference, schema.TEST_SPLIT, k, study.labels)
    text = results.text_table(found, study.reference)
    (folder / "table.txt").write_text(text + "\n", encoding="utf-8")
    head = f"{found[0].targets:,} test targets, k = {k}, mean +- SD over seeds"
    click.echo(f"\n{head}:\n\n{text}\n\nresults: {folder / 'results.csv'}")
