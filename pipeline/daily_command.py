"""`pnfrec daily`: a run as a job of a scheduler: one line of status as JSON at the end, and a command on refusal."""

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline import run_record
from pipeline.began import Began
from pipeline.run_record import Ended

# Longer than any mail or web hook needs.
_PATIENCE_S: Final = 60.0
# What the command prints must not come behind the line of status.
_STANDARD_ERROR: Final = 2
VERDICT: Final = "PNFREC_VERDICT"

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig


@click.command()
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. training.epochs=3.")
@click.option(
    "--on-refusal",
    metavar="COMMAND",
    help="Called when nothing was pushed that should have been; it reads the line of status.",
)
def daily(config_path: Path, overrides: tuple[str, ...], on_refusal: str | None) -> None:
    """Run a pipeline as the job of a day, and end with one line of status as JSON.

    It is `pnfrec run`, which holds the lock of the output folder and writes one log, for a scheduler. The last line of
    the standard output tells the verdict: pushed, unchanged (this very model was pushed before), not_blessed (by the
    gate), push_refused (marked as bad, or it cannot be served), refused_by_drift (the newest day; with
    feedback.drift.action: stop), failed or misconfigured; and version, measures with bounds, seconds and counts of
    warnings. It is also a line of logs/runs.jsonl in the output folder.

    COMMAND of --on-refusal is called, without a shell, for every verdict but pushed and unchanged. It gets the line at
    its standard input and the verdict in PNFREC_VERDICT, has 60 seconds, and does not change the exit status.

    Exit status: 0 pushed or unchanged, 1 failed, 2 wrong configuration, 3 nothing was pushed: not_blessed
    or push_refused, 4 refused_by_drift.
    """
    command = _words(on_refusal)
    from pipeline.config import ConfigError, load_config
    from pipeline.run import carry_out

    began, unforeseen = Began.now(), False
    config: PipelineConfig | None = None
    try:
        config = load_config(config_path, overrides)
        ended = carry_out(config, config_path, overrides)
    except ConfigError as error:
        click.secho(f"FAILED: {error}", fg="red", err=True)
        ended = Ended(run_record.MISCONFIGURED, began.at, began.seconds, message=str(error))
    except click.ClickException as error:
        error.show()
        ended = Ended(run_record.FAILED, began.at, began.seconds, message=error.format_message())
    except Exception as error:  # whatever it is, the scheduler gets its line and the command is called
        log.exception("The run ended in a way that was not foreseen.")
        ended = Ended(run_record.FAILED, began.at, began.seconds, message=f"{type(error).__name__}: {error}")
        unforeseen = True
    record = run_record.make(config.name if config else "", ended)
    if unforeseen and config:
        run_record.add(config.output_path, record)
    if command and ended.verdict not in (run_record.PUSHED, run_record.UNCHANGED):
        _call(command, record)
    click.echo(run_record.line_of(record, sys.stdout.encoding or "utf-8"))
    sys.exit(ended.status)


def _words(command: str | None) -> list[str]:
    """The words of a command; a usage error where they are none, since it would be missed when it is needed."""
    if command is None:
        return []
    try:
        words = shlex.split(command)
    except ValueError as error:
        msg = f"--on-refusal: {command!r} is no command ({error})."
        raise click.UsageError(msg) from error
    import shutil

    if not words or shutil.which(words[0]) is None:
        msg = f"--on-refusal: there is no program {words[0] if words else command!r}. Name one of this machine."
        raise click.UsageError(msg)
    return words


def _call(command: list[str], record: dict[str, Any]) -> None:
    """Calls the command on refusal; what goes wrong there is said, and is not the run's."""
    environment = {**os.environ, VERDICT: str(record["verdict"])}
    line = f"{run_record.line_of(record)}\n".encode()
    try:
        # A session of its own, so that what a shell has started ends with it: it holds our standard error open, and
        # whoever reads that to its end would wait.
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=_STANDARD_ERROR, start_new_session=True
        ) as process:
            try:
                process.communicate(line, timeout=_PATIENCE_S)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
            told = f"ended with status {process.returncode}" if process.returncode else ""
    except subprocess.TimeoutExpired:
        told = f"has not ended within {_PATIENCE_S:.0f} s, and was stopped"
    except OSError as error:
        told = f"could not be called ({error})"
    if told:
        click.secho(f"WARNING: the command of --on-refusal {told}: {shlex.join(command)}", fg="yellow", err=True)
