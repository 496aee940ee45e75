"""Runs the pipeline on this machine, one node after another: the file for `tfx ... --engine local`, and what `pnfrec
run` starts.

    tfx pipeline create --engine local --pipeline_path pipeline/local_runner.py
    tfx run create --engine local --pipeline_name movietweetings

PNFREC_CONFIG names the configuration (default: configs/movietweetings.yaml), PNFREC_SET holds overrides, one a line.
"""

import contextlib
import fcntl
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

# Run by path, as the tfx command does, this folder is the first of the import paths, and its pipeline.py would hide
# the package of that name.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(path for path in sys.path if not path or Path(path).resolve() != _HERE)]

from pipeline import events, run_log  # noqa: E402
from pipeline.config import ConfigError, PipelineConfig, load_config  # noqa: E402
from pipeline.failures import root_cause  # noqa: E402
from pipeline.metadata_file import check_metadata, follow_move, wait_until_free, watch_locks  # noqa: E402
from pipeline.room import no_room  # noqa: E402

CONFIG = "PNFREC_CONFIG"
OVERRIDES = "PNFREC_SET"
# A pipe that nobody writes to: it ends with the process that holds its other end.
LIFELINE_FD = "PNFREC_LIFELINE_FD"
# How long a run that was just killed may take to let go of its folder: the system frees its memory first.
LOCK_PATIENCE_S = 3.0
DEFAULT_CONFIG = _HERE.parent / "configs" / "movietweetings.yaml"

log = logging.getLogger(__name__)


class OutputInUseError(RuntimeError):
    """Another run is working in the same output folder."""


@contextlib.contextmanager
def exclusive(output: Path) -> Iterator[None]:
    """Holds the output folder for this process. The lock goes with the process, however it ends.

    Raises:
        OutputInUseError: Another process holds it.
        ConfigError: The folder cannot be made or written to.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = (output / ".lock").open("a+")
    except OSError as error:
        msg = f"`output`: {output} cannot be made or written to ({error.strerror}). Choose another folder or its owner."
        raise ConfigError(msg) from error
    with lock:
        if not _locked(lock):
            msg = f"Another run is working in {output}. Wait for it, or choose another folder (--set output=...)."
            raise OutputInUseError(msg)
        yield


def _locked(lock: IO[str]) -> bool:
    """Locks the file, with some patience; whether that worked."""
    end = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(0.1)
        else:
            return True


def die_with_parent() -> None:
    """Ends this process at once when the `pnfrec run` that started it ends, however that ends.

    Else a run that was killed would go on out of sight, and hold the output folder against the next one. Nothing
    half-written is taken for complete, so it may end anywhere. Does nothing under the tfx command.
    """
    if lifeline := os.environ.pop(LIFELINE_FD, ""):

        def wait() -> None:
            os.read(int(lifeline), 1)
            os._exit(1)

        threading.Thread(target=wait, name="lifeline", daemon=True).start()


def run(config: PipelineConfig, watch: events.NodeWatch) -> None:
    """Compiles and runs the pipeline of a configuration."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline.pipeline import create_pipeline

    pipeline = create_pipeline(config)
    with watch.watching():
        LocalDagRunner().run(pipeline)


def main() -> int:
    """Runs the pipeline; returns the exit status."""
    die_with_parent()
    run_log.set_up()
    writer = events.EventWriter()
    watch = events.NodeWatch(writer, lambda _: ("unknown", {}))
    places: list[Path] = []

    def say(text: str) -> None:
        log.warning(text)
        writer.send(events.Waiting(text))

    logging.getLogger().addHandler(events.EventListener(writer))
    try:
        overrides = [line for line in os.environ.get(OVERRIDES, "").splitlines() if line]
        config = load_config(os.environ.get(CONFIG) or DEFAULT_CONFIG, overrides)
        watch.outcome = lambda node: _outcome(config, node)
        places += [config.output_path, config.serving_path]
        with exclusive(config.output_path):
            wait_until_free(config.metadata_path, say)
            check_metadata(config.metadata_path)
            follow_move(config.metadata_path, config.artifacts_path)
            watch_locks(config.metadata_path, say)
            run(config, watch)
    except Exception as error:
        reason = no_room(error, places) or root_cause(error)
        # The log may be on the very disk that is full.
        writer.send(events.RunFailed(watch.node, reason))
        log.exception("The pipeline stopped%s: %s", f" in {watch.node}" if watch.node else "", reason)
        return 1
    return 0


def _outcome(config: PipelineConfig, node: str) -> tuple[str, dict[str, str]]:
    from pipeline.lineage import last_outcome

    outcome = last_outcome(config.metadata_path, config.name, node)
    return (outcome.state, outcome.outputs) if outcome else ("unknown", {})


if __name__ == "__main__":
    sys.exit(main())
