"""`pnfrec recommend`: lists for every user of the feedback, as files."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.refused import RefusedError
from pnfrec_core import files

if TYPE_CHECKING:
    from pipeline.config import PipelineConfig

# Names that readers of folders pass over.
_JOB_FILE, _SUMMARY_FILE = "_job.json", "_summary.json"
# In the summary, the size of each file of lists by its name.
_BYTES = "bytes"


@click.command()
@click.option("--config", "config_path", required=True, type=click.Path(path_type=Path), help="YAML of the data set.")
@click.option("--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the lists.")
@click.option("--base", type=click.Path(file_okay=False, path_type=Path), help="Serving folder. Default: the config's.")
@click.option("--version", type=click.IntRange(0), help="Version of the model. Default: the one that serves.")
@click.option("-k", "k", default=10, show_default=True, type=click.IntRange(1), help="How many items a user.")
@click.option("--max-per-group", default=0, type=click.IntRange(0), help="Items of one group at most. Default: any.")
@click.option("--format", "file_format", default="parquet", show_default=True, type=click.Choice(["parquet", "csv"]))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the configuration.")
def recommend(
    config_path: Path,
    output: Path,
    base: Path | None,
    version: int | None,
    k: int,
    max_per_group: int,
    file_format: str,
    overrides: tuple[str, ...],
) -> None:
    """Write the best items of every user of the feedback: user, rank, item, score, fallback, version.

    All rows of the feedback are read by the rules of the pipeline (threshold, duplicates, order, ids), held-out ones
    too. What a user has liked or disliked never comes back. A call that was cut off goes on where it was when it is
    repeated.

    Exit status: 0 written, 1 it could not be, 2 wrong configuration or usage.

    \b
    pnfrec recommend --config configs/movietweetings.yaml --output lists
    """  # noqa: D301 - a raw docstring would show click's mark, the character \\b, instead of obeying it
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from pipeline.config import ConfigError, load_config
    from pipeline.histories import UnfitConfigError, fit_to_model
    from pipeline.output_lock import OutputInUseError, exclusive
    from pipeline.room import no_room
    from pnfrec_core.errors import FeedbackError
    from serving.errors import RequestFault

    try:
        config = load_config(config_path, overrides)
        number, model = _model(base or config.serving_path, version)
        is_median = config.feedback.positive == "median"
        config = fit_to_model(config, model)
        if is_median and config.feedback.positive != "median":
            click.echo(f"Likes are values from {config.feedback.positive:g} on, the median of the model's training.")
        asked = {"k": k, "format": file_format, "max_per_group": max_per_group, "model": str(model), "version": number}
        began = time.monotonic()
        _check_ours(output)
        with exclusive(output, "--output"):
            found = _write(config, output, model, asked)
    except (ConfigError, UnfitConfigError) as error:
        raise RefusedError(str(error)) from error
    except (FeedbackError, OutputInUseError, RequestFault, OSError, ValueError) as error:
        raise click.ClickException(no_room(error, [output]) or str(error)) from error
    click.echo(_told(found, output, number, time.monotonic() - began))


def _model(base: Path, version: int | None) -> tuple[int, Path]:
    """Number and folder of the version to ask: by default the pinned one, else the newest that is not bad."""
    from pnfrec_core import model_marks
    from pnfrec_core.versions import complete_versions

    found = complete_versions(base)
    if version is None:
        version = model_marks.read(base).serving(found)
    if version is None or version not in found:
        there = ", ".join(map(str, sorted(found))) or "none"
        wanted = "no version of a model that is not bad" if version is None else f"no version {version}"
        msg = f"{base} holds {wanted} (there: {there}). Run `pnfrec run` first, or name another folder by --base."
        raise click.ClickException(msg)
    return version, found[version]


def _write(config: "PipelineConfig", output: Path, model: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The counts of the job in `output`, done now or before."""
    from pipeline.histories import key_of, make_histories, remove_histories
    from pnfrec_core.model_digest import model_digest

    # A folder that was emptied may hold another model under the same number.
    content = model_digest(model)
    job = {**asked, "model_content": content, "histories": key_of(config)}
    summary = _begin(output, job)
    if summary is not None:
        click.echo(f"{output} holds these lists already.")
        return summary
    click.echo("Reading the feedback ...")
    shards = make_histories(config, output, job["histories"])
    click.echo(f"Ranking by {model}, {len(shards)} part{'' if len(shards) == 1 else 's'} ...")
    # TensorFlow takes its seconds: not before the input is known to be good.
    from serving.bulk.job import Job, write_lists

    made = Job(shards, output, model, asked["version"], asked["k"], asked["format"], asked["max_per_group"])
    found = {**job, **write_lists(made, click.echo), _BYTES: _sizes(output, asked["format"])}
    files.write(output / _SUMMARY_FILE, json.dumps(found, indent=1) + "\n")
    remove_histories(output)
    for counts in output.glob("_part-*.json"):
        counts.unlink()
    return found


def _check_ours(output: Path) -> None:
    """A folder of something else is left as it is."""
    from pipeline.output_lock import LOCK_FILE

    if (output / _JOB_FILE).is_file() or not output.is_dir():
        return
    if any(path.name != LOCK_FILE for path in output.iterdir()):
        msg = f"The folder {output} is not empty, and holds no lists. Name another one, or remove it first."
        raise ValueError(msg)


def _begin(output: Path, job: dict[str, Any]) -> dict[str, Any] | None:
    """Makes the folder a job's own. The summary of the job where it is done; None where there is work to do."""
    job_file, summary_file = output / _JOB_FILE, output / _SUMMARY_FILE
    if job_file.is_file():
        before = _read_object(job_file)
        if before != job:
            changed = ", ".join(f"`{name}`" for name in job if before.get(name) != job[name])
            msg = f"{output} holds lists of another call: {changed} differ. Name another folder, or remove that one."
            raise ValueError(msg)
        return _finished(output, summary_file, str(job["format"])) if summary_file.is_file() else None
    files.write(job_file, json.dumps(job, indent=1) + "\n")
    return None


def _finished(output: Path, summary_file: Path, file_format: str) -> dict[str, Any]:
    """The summary of a job that is done, if its files are what it wrote.

    Raises:
        ValueError: The summary is damaged, or a file is gone or another one.
    """
    summary = _read_object(summary_file)
    there = _sizes(output, file_format)
    written = summary.get(_BYTES)
    if not isinstance(written, dict):
        msg = f"{summary_file}: does not tell which files the lists are in. {_anew(output)}"
        raise ValueError(msg)
    for name in sorted({*written, *there}):
        if (now := there.get(name)) != (before := written.get(name)):
            found = "it is gone" if now is None else f"it has {now:,} bytes"
            msg = (
                f"{output / name}: these lists were written before, {_told_size(before)}, and {found}. {_anew(output)}"
            )
            raise ValueError(msg)
    return summary


def _sizes(output: Path, file_format: str) -> dict[str, int]:
    """Name to bytes of the files that hold lists."""
    return {path.name: path.stat().st_size for path in sorted(output.glob(f"part-*.{file_format}"))}


def _told_size(size: int | None) -> str:
    return "without this file" if size is None else f"this file of {size:,} bytes among them"


def _anew(output: Path) -> str:
    return f"To have the lists written anew, remove {output}, or name another folder."


def _read_object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises:
        ValueError: It holds none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path}: the file is damaged ({error}). {_anew(path.parent)}"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path}: the file is damaged (no JSON object). {_anew(path.parent)}"
        raise ValueError(msg)
    return found


def _told(found: dict[str, Any], output: Path, version: int, seconds: float) -> str:
    users = found["users"]
    lines = [
        f"{found['rows']:,} rows for {users:,} users in {output}, by version {version}, in {seconds:.0f} s.",
        f"By popularity, since the model knows no item of the history: {found['fallback']:,} users.",
        f"Empty lists: {found['empty']:,}.",
        f"Items of histories that the model does not know: {found['unknown_items']:,} of "
        f"{found['known_items'] + found['unknown_items']:,}.",
    ]
    if found["parts_kept"]:
        lines.append(f"{found['parts_kept']:,} of {found['parts']:,} parts were there from a call that was cut off.")
    return "\n".join(lines)
