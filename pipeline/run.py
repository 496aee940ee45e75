"""`pnfrec run`: one pipeline run with readable output, the gate's report and an honest exit status.

`carry_out` is the one way to run; `pnfrec daily` calls it too.
"""

import contextlib
import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from pipeline import events, run_record, waiting
from pipeline.began import Began
from pipeline.output_lock import unwritable
from pipeline.progress import Progress
from pipeline.refused import RefusedError
from pipeline.run_record import Ended
from pnfrec_core import launch

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig

_COMMAND = launch.command("pipeline.local_runner")


@click.command()
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key, e.g. training.epochs=3.")
@click.option("--query", "ask", is_flag=True, help="Then serve the pushed model and send it the config's query.")
def run(config_path: Path, overrides: tuple[str, ...], ask: bool) -> None:
    """Run a pipeline: read feedback, train, gate, push.

    Exit status: 0 pushed, 1 failed, 2 wrong configuration, 3 nothing was pushed: the gate refused the
    model, it is one that was marked as bad, or it cannot be served, 4 the newest day is refused
    (feedback.drift.action: stop).
    """
    from pipeline.config import ConfigError, load_config

    try:
        config = load_config(config_path, overrides)
    except ConfigError as error:
        raise RefusedError(str(error)) from error
    ended = carry_out(config, config_path, overrides)
    if ended.status:
        sys.exit(ended.status)
    if ask:
        from pipeline import example_query

        example_query.show(config)
    else:
        click.echo(f"To serve it: pnfrec serve --base {shlex.quote(str(config.serving_path))} --port 8500")


def carry_out(config: "PipelineConfig", config_path: Path, overrides: tuple[str, ...]) -> Ended:
    """Runs a pipeline, prints as it goes, and adds the record of the run to the others.

    Args:
        config: What `config_path` and `overrides` say.
        config_path: The YAML file.
        overrides: Such as `training.epochs=3`.
    """
    from pipeline import preflight
    from pipeline.check_command import tell

    began = Began.now()
    found = preflight.look(config, click.echo, preflight.Patience())
    if found.problems:
        tell(found.problems)
        ended = Ended(run_record.FAILED, began.at, began.seconds, message=" ".join(found.problems))
        run_record.add(config.output_path, run_record.make(config.name, ended))
        return ended
    log_path = _new_log(config.output_path)
    click.echo(f"pipeline {config.name}: {config_path}\noutput   {config.output_path}\nlog      {log_path}\n")
    for note in found.notes:
        click.echo(f"NOTE  {note}\n")
    progress = Progress(began.tick)
    _follow(config, config_path, overrides, log_path, progress)
    ended = _tell_end(progress, began, log_path)
    run_record.add(config.output_path, run_record.make(config.name, ended))
    return ended


def _follow(
    config: "PipelineConfig", config_path: Path, overrides: tuple[str, ...], log_path: Path, progress: Progress
) -> None:
    """Runs the pipeline in a process of its own until it has ended."""
    from pipeline import lock_watch

    with _child(config, config_path, overrides, log_path) as (pipe, process):

        def give_up(text: str) -> None:
            progress.failure = events.RunFailed(progress.node, text)
            process.kill()

        with lock_watch.watching(config.metadata_path, process.pid, progress.say, give_up):
            progress.follow(waiting.lines(pipe))
    if progress.failure is None and process.returncode != 0:
        progress.failure = events.RunFailed(progress.running, _ended(process.returncode))


def _ended(status: int) -> str:
    """What is said of a process that ended without a word of its own."""
    if status == -signal.SIGKILL:
        return (
            "The process was killed (SIGKILL), as the system does when memory runs out. Run again: it goes on from "
            "what is complete."
        )
    return f"The process ended with status {status}."


def _tell_end(progress: Progress, began: Began, log_path: Path) -> Ended:
    """Prints how the run ended, and returns it."""
    from pipeline import summary

    failure = progress.failure
    pushed = progress.properties.get("Pusher", {}).get("pushed_model", {})
    if failure is not None:
        where = f" in {failure.node}" if failure.node else ""
        click.secho(f"\nFAILED{where}: {failure.message}", fg="red", err=True)
        click.echo(f"The log has the details: {log_path}", err=True)
        verdict = run_record.verdict_of_failure(failure)
    else:
        delivered = summary.show(progress.outputs, pushed, seconds=began.seconds)
        verdict = run_record.verdict_of_push(delivered, pushed)
    return Ended(
        *(verdict, began.at, began.seconds),
        node=failure.node if failure else "",
        message=failure.message if failure else str(pushed.get("refused", "")),
        log=str(log_path),
        outputs=progress.outputs,
        pushed=pushed,
        nodes=progress.nodes,
    )


def _new_log(output: Path) -> Path:
    """A new log file under the output folder; a click error when the folder cannot be written to."""
    # In UTC, as the records of runs are: the hour that comes twice in autumn would put two days' logs out of order.
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%SZ")
    path = output / "logs" / f"run-{stamp}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        raise click.ClickException(unwritable("output", output, error)) from error
    return path


@contextlib.contextmanager
def _child(
    config: "PipelineConfig", config_path: Path, overrides: tuple[str, ...], log_path: Path
) -> Iterator[tuple[IO[bytes], "subprocess.Popen[bytes]"]]:
    """Starts the process that runs the pipeline: what it prints goes to the log, its events come through the pipe.

    The process has ended when the context has, however that is left. Where this process is killed, the other one learns
    of it by the end of the lifeline: see `local_runner.die_with_parent`. One that is ended cannot remove its temporary
    files, so they lie in a folder that is removed here.
    """
    from pipeline.local_runner import CONFIG, LIFELINE_FD, OVERRIDES, SETTINGS, digest_of

    read_end, write_end = os.pipe()
    lifeline, held = os.pipe()
    environment = {
        **os.environ,
        events.EVENTS_FD: str(write_end),
        CONFIG: os.path.abspath(config_path),
        OVERRIDES: json.dumps(overrides),
        SETTINGS: digest_of(config),
        LIFELINE_FD: str(lifeline),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1"),
    }
    with (
        log_path.open("ab") as log,
        os.fdopen(read_end, "rb", buffering=0) as pipe,
        _stoppable(),
        tempfile.TemporaryDirectory(prefix="pnfrec-", ignore_cleanup_errors=True) as temporary,
    ):
        # Where the pipeline stands, Beam's workers look for modules: in a folder of ours, not in the user's own.
        folder = log_path.parent
        environment["TMPDIR"] = temporary
        process = subprocess.Popen(
            _COMMAND, env=environment, cwd=folder, stdout=log, stderr=log, pass_fds=[write_end, lifeline]
        )
        os.close(write_end)
        os.close(lifeline)
        try:
            yield pipe, process
            waiting.wait(process)
        finally:
            process.terminate()
            # Ends it where SIGTERM does not.
            os.close(held)
            waiting.wait(process)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Says so when Ctrl-C or SIGTERM ends what is inside, and exits with the status that shells give to that.

    SIGTERM needs a handler: in a container, where this may be process 1, it would have no effect at all.
    """
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except (KeyboardInterrupt, _TerminatedError) as error:
        click.secho("\nStopped. The next run goes on from what is complete.", fg="yellow", err=True)
        number = signal.SIGTERM if isinstance(error, _TerminatedError) else signal.SIGINT
        sys.exit(128 + number)
    finally:
        signal.signal(signal.SIGTERM, before)


class _TerminatedError(BaseException):
    """SIGTERM came."""


def _terminate(number: int, frame: object) -> None:
    del number, frame
    raise _TerminatedError
