"""`pnfrec history`: the last runs of a pipeline: verdicts, measures with bounds, sizes, times, drift, versions."""

import json
from pathlib import Path

import click

from pipeline.refused import RefusedError


@click.command()
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the pipeline.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. output=/data/runs.")
@click.option("--last", "most", default=30, show_default=True, type=click.IntRange(1), help="How many runs.")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the records, a JSON object a line, the oldest first.")
def history(config_path: Path, overrides: tuple[str, ...], most: int, page: Path | None, as_json: bool) -> None:
    """Show the last runs of a pipeline, the newest first: verdict, measures, sizes, times, drift, version.

    They are read from logs/runs.jsonl in the output folder, to which each run adds its record when it has ended; a run
    that was killed leaves none. Without --json a table is printed.

    Exit status: 0 shown, 1 there is no run yet or the page cannot be written, 2 wrong configuration.
    """
    from pipeline import run_record
    from pipeline.config import ConfigError, load_config
    from pipeline.history import page as drawing
    from pipeline.history import table
    from pnfrec_core import files

    try:
        config = load_config(config_path, overrides)
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    records = [each for each in run_record.read(config.output_path) if each.get("pipeline") == config.name][-most:]
    if not records:
        msg = (
            f"There is no record of a run of {config.name} in {run_record.path_in(config.output_path)}. Each "
            "`pnfrec run` and `pnfrec daily` adds one when it has ended."
        )
        raise click.ClickException(msg)
    if page is not None:
        try:
            files.write(page, drawing.to_html(config.name, records))
        except OSError as error:
            msg = f"--html: {page} cannot be written ({error.strerror}). Name a file in another folder."
            raise click.ClickException(msg) from error
        click.echo(f"{len(records)} runs: {page}", err=as_json)
    if as_json:
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))
    elif page is None:
        click.echo(table.to_text(records))
