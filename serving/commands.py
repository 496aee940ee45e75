"""`pnfrec serve` and `pnfrec query`. Imports click only, so that the help answers at once."""

import json
import logging
import os
from pathlib import Path

import click

_BASE = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--base", required=True, type=_BASE, help="Folder that the pipeline pushes to: <base>/<version>/.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option("--model-name", default="pnfrec", show_default=True, help="What requests have to name.")
@click.option(
    "--poll-seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Time between two looks for a new version.",
)
@click.option("--workers", type=click.IntRange(1), help="Requests that run at once. Default: by the processors.")
@click.option(
    "--max-concurrent",
    default=64,
    show_default=True,
    type=click.IntRange(1),
    help="Calls that run or wait; the rest are refused at once.",
)
@click.option("--max-rows", default=4096, show_default=True, type=click.IntRange(1), help="Users of a request.")
@click.option(
    "--max-columns", default=10_000, show_default=True, type=click.IntRange(1), help="Items of each list of a user."
)
def serve(
    base: Path,
    port: int,
    host: str,
    model_name: str,
    poll_seconds: float,
    workers: int | None,
    max_concurrent: int,
    max_rows: int,
    max_columns: int,
) -> None:
    """Serve the newest version of a model over gRPC, in TensorFlow Serving's API.

    A new version takes over without a restart. Stop with Ctrl-C or SIGTERM.

    Exit status: 0 stopped, 1 the server could not start, 2 wrong usage.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from serving import errors, server
    from serving.limits import Limits

    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("serving").setLevel(logging.INFO)
    if not base.is_dir():
        click.echo(f"{base} does not exist yet: waiting for it.", err=True)
    try:
        server.serve(
            base,
            port,
            host,
            model_name,
            poll_seconds,
            workers,
            Limits(max_concurrent, max_rows, max_columns),
            on_ready=lambda running: click.echo(server.describe(running)),
        )
    except errors.ServerStartError as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.option("--positive", "-p", multiple=True, help="A liked item, by id or title. Repeat it, oldest first.")
@click.option("--negative", "-n", multiple=True, help="A disliked item, by id or title. Repeatable.")
@click.option("--gamma", type=click.FloatRange(0), help="Weight of dislikes. Default: the model's; 0: the paper's.")
@click.option("--exclude", "-x", multiple=True, help="An item that must not come back, by id or title. Repeatable.")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(1), help="How many items to recommend.")
@click.option("--target", default="127.0.0.1:8500", show_default=True, help="host:port of the server.")
@click.option("--model-name", default="pnfrec", show_default=True)
@click.option("--version", type=click.IntRange(0), help="Ask for this version of the model only.")
@click.option("--timeout", default=5.0, show_default=True, type=click.FloatRange(0, min_open=True), help="In seconds.")
@click.option(
    "--items",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="items.jsonl with the titles.",
)
@click.option("--base", type=_BASE, help="Folder that the server reads: the titles of the version that answers.")
@click.option("--keep-unknown", is_flag=True, help="Send words that name no item as ids, instead of stopping.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def query(
    positive: tuple[str, ...],
    negative: tuple[str, ...],
    gamma: float | None,
    exclude: tuple[str, ...],
    k: int,
    target: str,
    model_name: str,
    version: int | None,
    timeout: float,
    items: Path | None,
    base: Path | None,
    keep_unknown: bool,
    as_json: bool,
) -> None:
    """Ask a server for recommendations after a history of liked items.

    Titles need --base or --items; without them, items are given by id. Without --positive and --negative the answer is
    the list by popularity. Tell the dislikes: the gate judged lists that know them.

    Exit status: 0 answered, 1 no answer, or an item that is not known, 2 wrong usage.

    \b
    pnfrec query --base runs/movietweetings/serving --positive "Inception (2010)" --negative 1951261
    """  # noqa: D301 - a raw docstring would show click's mark, the character \\b, instead of obeying it
    if items is not None and base is not None:
        msg = "Give --items or --base, not both: each names a place for the titles."
        raise click.UsageError(msg)
    from serving import errors, titles
    from serving.client import RecommenderClient
    from serving.query import ask, render, to_record

    try:
        with RecommenderClient(target, model_name, timeout, version) as client:
            answer = ask(client, positive, exclude, k, items, base, keep_unknown, negative, gamma)
    except (errors.ServingError, titles.ItemLookupError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(to_record(answer), ensure_ascii=False, indent=2))
    else:
        click.echo(render(answer))
