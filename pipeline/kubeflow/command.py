"""`pnfrec kubeflow`: the pipeline as a spec of Kubeflow Pipelines, submitted to a cluster, and how its runs stand."""

import datetime
import os
import shlex
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.refused import RefusedError

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig
    from pipeline.kubeflow.client import Status

NOT_BLESSED_STATUS = 3
_SECONDS = 10.0
_CRON_FIELDS = 6

Function = TypeVar("Function", bound=Callable[..., Any])


def _configured(function: Function) -> Function:
    options = (
        click.option(
            "--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set."
        ),
        click.option(
            "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. kubeflow.retries=0."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group()
def kubeflow() -> None:
    """Run the pipeline on Kubeflow Pipelines. The section `kubeflow` of the configuration says where and how.

    Exit status: 0 done, 1 it could not be, 2 wrong configuration or usage.
    """
    # Nothing that libraries say at import is of use here.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")


@kubeflow.command("compile")
@_configured
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the spec: .yaml for Kubeflow, .json for Vertex AI. Default: NAME.yaml.",
)
def compile_command(config_path: Path, overrides: tuple[str, ...], output: Path | None) -> None:
    """Write the pipeline as a spec. Nothing is sent.

    Exit status: 0 written, 1 something is not installed, 2 wrong configuration.
    """
    config = _load(config_path, overrides)
    path = output or Path(f"{config.name}.yaml")
    if path.suffix not in (".yaml", ".yml", ".json"):
        msg = f"--output: {path} must end in .yaml, .yml or .json."
        raise click.UsageError(msg)
    compiled = _compile(config, vertex=path.suffix == ".json")
    from pipeline.kubeflow.compiler import write

    try:
        write(compiled, path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}."
        raise click.ClickException(msg) from error
    nodes = len(compiled.spec["root"]["dag"]["tasks"])
    click.echo(f"{path}: {nodes} nodes, pipeline spec {config.kubeflow.spec}, image {config.kubeflow.image}")


@kubeflow.command()
@_configured
@click.option("--name", help="Of the run. Default: the pipeline's, and the time.")
@click.option("--cron", help='Run again and again: six fields from seconds on, e.g. "0 0 5 * * *", in UTC.')
def submit(config_path: Path, overrides: tuple[str, ...], name: str | None, cron: str | None) -> None:
    """Compile the pipeline and start a run of it, or have it run by a clock.

    Exit status: 0 accepted, 1 the API refused or does not answer, 2 wrong configuration.
    """
    if cron is not None:
        _check_cron(cron)
    config = _load(config_path, overrides)
    compiled = _compile(config)
    api = _api(config)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    if cron is not None:
        found = _asked(lambda: api.schedule(compiled, name or config.name, cron))
        click.echo(f"recurring run {found}\n{api.host}/#/recurringrun/details/{found}")
        return
    found = _asked(lambda: api.submit(compiled, name or f"{config.name} {stamp}"))
    click.echo(f"run {found}\n{api.host}/#/runs/details/{found}")
    settings = [word for override in overrides for word in ("--set", override)]
    words = ["pnfrec", "kubeflow", "status", "--config", str(config_path), *settings, found]
    click.echo(f"How it stands: {shlex.join(words)}")


@kubeflow.command()
@_configured
@click.option("--wait", is_flag=True, help="Wait until the run has ended.")
@click.argument("run")
def status(config_path: Path, overrides: tuple[str, ...], wait: bool, run: str) -> None:
    """Tell how a run stands, node by node.

    Exit status: 0 it succeeded or goes on, 1 it failed or cannot be asked for, 2 wrong configuration, 3 the gate
    refused the model.
    """
    if not run.strip():
        msg = "RUN is empty: name the id that `pnfrec kubeflow submit` printed."
        raise click.UsageError(msg)
    api = _api(_load(config_path, overrides))
    found: Status = _asked(lambda: api.status(run))
    while wait and not found.has_ended:
        time.sleep(_SECONDS)
        found = _asked(lambda: api.status(run))
    for line in describe(found):
        click.echo(line)
    if found.is_refused:
        sys.exit(NOT_BLESSED_STATUS)
    if found.state in ("FAILED", "CANCELED"):
        sys.exit(1)


def _check_cron(cron: str) -> None:
    """Kubeflow takes five fields too, and reads them from the seconds on: "0 5 * * *" would run once an hour."""
    if len(cron.split()) != _CRON_FIELDS and not cron.startswith("@"):
        msg = (
            f'--cron: expected six fields, seconds first, such as "0 0 5 * * *" for five in the morning, UTC. '
            f"Received {cron!r}."
        )
        raise click.UsageError(msg)


def describe(status: "Status") -> list[str]:
    """How a run stands, a line a node."""
    from pipeline.kubeflow.client import REFUSES

    lines = [f"{status.name}: {status.state or 'PENDING'}"]
    if status.is_refused:
        # A node that cannot write ends in the same way, and the API does not tell why one failed.
        lines[0] += (
            f" (the gate refused the model, or {REFUSES} could not keep it: its log says which; nothing was pushed)"
        )
    width = max((len(node.name) for node in status.nodes), default=0)
    lines += [
        f"  {node.name:{width}}  {node.state or '-'}{'  ' + node.error if node.error else ''}" for node in status.nodes
    ]
    if status.error:
        lines.append(status.error)
    return lines


def _load(path: Path, overrides: tuple[str, ...]) -> "PipelineConfig":
    from pipeline.config import ConfigError, load_config

    try:
        return load_config(path, overrides)
    except ConfigError as error:
        raise RefusedError(str(error)) from error


def _compile(config: "PipelineConfig", vertex: bool = False) -> Any:
    from pipeline.kubeflow.compiler import compile_pipeline
    from pipeline.kubeflow.notes import notes

    for note in notes(config.kubeflow):
        click.echo(f"NOTE  {note}", err=True)
    return _asked(lambda: compile_pipeline(config, vertex))


def _api(config: "PipelineConfig") -> Any:
    from pipeline.kubeflow.client import Api

    return _asked(lambda: Api(config))


def _asked(ask: Callable[[], Any]) -> Any:
    """What a call gives; what it raises as a user reads it."""
    from pipeline.kubeflow.client import ApiError
    from pipeline.kubeflow.missing import MissingKfpError
    from pnfrec_core.settings.errors import ConfigError

    try:
        return ask()
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    except (MissingKfpError, ApiError) as error:
        raise click.ClickException(str(error)) from error
