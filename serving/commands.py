"""`pnfrec serve`, `pnfrec query` and `pnfrec health`. Imports click only, so that the help answers at once."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import click

from serving.options import connection_options, given_settings, settings_options, tls_of
from serving.settings import ServerSettings, load_settings

_BASE = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="YAML file of settings; the options below count over it.",
)
@settings_options(ServerSettings)
def serve(config_path: Path | None, **given: Any) -> None:
    """Serve the newest version of a model over gRPC and REST, in TensorFlow Serving's API.

    A new version takes over without a restart. Stop with Ctrl-C or SIGTERM.

    Exit status: 0 stopped, 1 the server could not start or ended by itself, 2 wrong usage.

    \b
    pnfrec serve --base runs/movietweetings/serving --rest-port 8501
    """  # noqa: D301 - see `query`
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from pnfrec_core.settings.errors import ConfigError

    try:
        settings = load_settings(config_path, given_settings(given))
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("serving").setLevel(logging.INFO)
    if os.path.isfile(settings.base):
        msg = f"{settings.base} is a file. `base` must be the folder above those of the versions."
        raise click.UsageError(msg)
    if settings.base and not Path(settings.base).is_dir():
        click.echo(f"{settings.base} does not exist yet: waiting for it.", err=True)
    from serving import errors, server

    try:
        server.serve(settings, on_ready=lambda running: click.echo(server.describe(running)))
    except (errors.ServerStartError, errors.ServerDiedError) as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.option("--positive", "-p", multiple=True, help="A liked item, by id or title. Repeat it, oldest first.")
@click.option("--negative", "-n", multiple=True, help="A disliked item, by id or title. Repeatable.")
@click.option("--gamma", type=click.FloatRange(0), help="Weight of dislikes. Default: the model's; 0: the paper's.")
@click.option("--exclude", "-x", multiple=True, help="An item that must not come back, by id or title. Repeatable.")
@click.option("--allow", "-a", multiple=True, help="Of the items, recommend only these, by id or title. Repeatable.")
@click.option("--max-per-group", default=0, type=click.IntRange(0), help="Items of one group at most. Default: any.")
@click.option("--explain", is_flag=True, help="Show each score before the rule of dislikes, and groups.")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(1), help="How many items to recommend.")
@connection_options
@click.option("--model-name", default="pnfrec", show_default=True)
@click.option("--version", type=click.IntRange(0), help="Ask for this version of the model only.")
@click.option("--label", help="Ask for the version that bears this label, such as `stable`.")
@click.option("--user-key", help="Whom it is for: a server with a canary goes by it.")
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
    allow: tuple[str, ...],
    max_per_group: int,
    explain: bool,
    k: int,
    target: str,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    token_file: Path | None,
    model_name: str,
    version: int | None,
    label: str | None,
    user_key: str | None,
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
    if version is not None and label is not None:
        msg = "Give --version or --label, not both: each names the version to ask."
        raise click.UsageError(msg)
    files = tls_of(tls, ca, cert, key)
    from serving import errors, titles
    from serving.client import RecommenderClient
    from serving.connection import read_token
    from serving.query import ask, render, to_record

    try:
        token = read_token(token_file) if token_file is not None else None
        with RecommenderClient(
            target, model_name, timeout, version, label=label, credentials=files, token=token
        ) as client:
            wishes = (allow, max_per_group, explain, user_key)
            answer = ask(client, positive, exclude, k, items, base, keep_unknown, negative, gamma, *wishes)
    except (errors.ServingError, titles.ItemLookupError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(to_record(answer), ensure_ascii=False, indent=2))
    else:
        click.echo(render(answer))


@click.command()
@connection_options
@click.option("--model-name", default="pnfrec", show_default=True, help="Asked of servers that have no health service.")
@click.option("--timeout", default=5.0, show_default=True, type=click.FloatRange(0, min_open=True), help="In seconds.")
def health(
    target: str,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    token_file: Path | None,
    model_name: str,
    timeout: float,
) -> None:
    """Tell whether a server answers with a model: SERVING or NOT_SERVING, for probes of containers.

    It asks gRPC's health service, and where there is none, as in the tensorflow/serving image, for the state of the
    model's versions.

    Exit status: 0 it serves, 1 it does not, or nothing answers, 2 wrong usage.
    """
    files = tls_of(tls, ca, cert, key)
    from serving import errors
    from serving.connection import read_token
    from serving.health import ask_state

    try:
        token = read_token(token_file) if token_file is not None else None
        state = ask_state(target, model_name, timeout, files, token)
    except (errors.ServingError, OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(state)
    if state != "SERVING":
        raise click.exceptions.Exit(1)
