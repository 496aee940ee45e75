"""Runs the pipeline on this machine, one node after another: the file for `tfx ... --engine local`, and what `pnfrec
run` starts.

    tfx pipeline create --engine local --pipeline_path pipeline/local_runner.py
    tfx run create --engine local --pipeline_name movietweetings

PNFREC_CONFIG names the configuration (default: configs/movietweetings.yaml), PNFREC_SET holds overrides, one a line or,
where they have several lines themselves, as a JSON list.
"""

import hashlib
import json
import logging
import os
import sys
import threading
from pathlib import Path

# Run by path, as the tfx command does, this folder is the first of the import paths, and its pipeline.py would hide
# the package of that name.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(path for path in sys.path if not path or Path(path).resolve() != _HERE)]

from pnfrec_core import launch  # noqa: E402

if __name__ == "__main__":
    launch.keep_out_working_folder()

from pipeline import durable, events, run_log  # noqa: E402
from pipeline.config import ConfigError, PipelineConfig, load_config  # noqa: E402
from pipeline.failures import name_of_cause, root_cause  # noqa: E402
from pipeline.metadata_file import check_metadata, wait_until_free  # noqa: E402
from pipeline.metadata_records import follow_move  # noqa: E402
from pipeline.output_lock import exclusive  # noqa: E402
from pipeline.room import no_room  # noqa: E402

CONFIG = "PNFREC_CONFIG"
OVERRIDES = "PNFREC_SET"
# A pipe that nobody writes to: it ends with the process that holds its other end.
LIFELINE_FD = "PNFREC_LIFELINE_FD"
# The digest of the settings that whoever starts this process has looked at.
SETTINGS = "PNFREC_SETTINGS"
DEFAULT_CONFIG = _HERE.parent / "configs" / "movietweetings.yaml"

log = logging.getLogger(__name__)


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


def digest_of(config: PipelineConfig) -> str:
    """Of all settings."""
    return hashlib.sha256(config.to_yaml().encode()).hexdigest()


def _settings() -> PipelineConfig:
    """The configuration to run.

    Raises:
        ConfigError: It is unusable, or another one than `pnfrec run` has looked at, whose folders it follows and names.
    """
    path = os.environ.get(CONFIG) or DEFAULT_CONFIG
    config = load_config(path, overrides_in(os.environ.get(OVERRIDES, "")))
    if os.environ.get(SETTINGS, digest := digest_of(config)) != digest:
        msg = f"{path}: the settings have changed since this run began, so that nothing has run. Run again."
        raise ConfigError(msg)
    return config


def run(config: PipelineConfig, watch: events.NodeWatch) -> None:
    """Compiles and runs the pipeline of a configuration."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline.pipeline import create_pipeline

    pipeline = create_pipeline(config)
    with watch.watching(), durable.nodes():
        LocalDagRunner().run(pipeline)


def main() -> int:
    """Runs the pipeline; returns the exit status."""
    die_with_parent()
    run_log.set_up()
    writer = events.EventWriter()
    watch = events.NodeWatch(writer, lambda node: events.NodeFinished(node, "unknown"))
    places: list[Path] = []

    def say(text: str) -> None:
        log.warning(text)
        writer.send(events.Waiting(text))

    logging.getLogger().addHandler(events.EventListener(writer))
    try:
        config = _settings()
        watch.outcome = lambda node: _outcome(config, node)
        places += [config.output_path, config.serving_path]
        with exclusive(config.output_path):
            wait_until_free(config.metadata_path, say)
            check_metadata(config.metadata_path)
            follow_move(config.metadata_path, config.artifacts_path)
            run(config, watch)
    except Exception as error:
        reason = no_room(error, places) or root_cause(error)
        # The log may be on the very disk that is full.
        writer.send(events.RunFailed(watch.node, reason, name_of_cause(error)))
        log.exception("The pipeline stopped%s: %s", f" in {watch.node}" if watch.node else "", reason)
        return 1
    return 0


def overrides_in(text: str) -> list[str]:
    """The overrides that PNFREC_SET holds; no line of them begins as a JSON list does."""
    found: list[str] = json.loads(text) if text.startswith("[") else [line for line in text.split("\n") if line]
    return found


def _outcome(config: PipelineConfig, node: str) -> events.NodeFinished:
    from pipeline.lineage import last_outcome

    outcome = last_outcome(config.metadata_path, config.name, node)
    if outcome is None:
        return events.NodeFinished(node, "unknown")
    return events.NodeFinished(node, outcome.state, outcome.outputs, outcome.properties)


if __name__ == "__main__":
    sys.exit(main())
