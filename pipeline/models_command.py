"""`pnfrec models`: which version of a model serves is something that people decide."""

import contextlib
import functools
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from pipeline.refused import RefusedError

_Command = TypeVar("_Command", bound=Callable[..., Any])

_VERSION: Final = click.IntRange(0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def models() -> None:
    """Decide which version serves: list, pin, label, roll back.

    What is decided stands in `marks.json` beside the versions, which the Pusher, the gate and `pnfrec serve` obey;
    TensorFlow Serving obeys the `models.config` that `pnfrec models config` writes.

    Exit status: 0 done, 1 it makes no sense, and nothing was changed, or `models.config` cannot be written, 2 wrong
    usage.

    \b
    pnfrec models list --base runs/movietweetings/serving
    pnfrec models rollback --base runs/movietweetings/serving --reason "lists of one genre"
    """  # noqa: D301 - a raw docstring would show click's mark, the character \\b, instead of obeying it


def _of_a_folder(command: _Command) -> _Command:
    """Gives a command `--base` and `--config`, and hands it the serving folder as `base`."""

    @click.option("--base", type=click.Path(file_okay=False, path_type=Path), help="The serving folder.")
    @click.option("--config", "config_path", type=click.Path(path_type=Path), help="Or the YAML that names it.")
    @functools.wraps(command)
    def with_base(base: Path | None, config_path: Path | None, **given: Any) -> None:
        if (base is None) == (config_path is None):
            msg = "Give --base, the serving folder, or --config, the YAML of the pipeline that pushes to it."
            raise click.UsageError(msg)
        if config_path is not None:
            from pipeline.config import ConfigError, load_config

            try:
                base = load_config(config_path).serving_path
            except ConfigError as error:
                raise RefusedError(str(error)) from error
        command(base=base, **given)

    return with_base  # type: ignore[return-value]


def _reason(command: _Command) -> _Command:
    return click.option("--reason", default="", help="Why, for those who read the marks.")(command)


@models.command("list")
@_of_a_folder
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def list_(base: Path, as_json: bool) -> None:
    """List the versions: when pushed, measures with their bounds, data, lineage, marks, and which serves."""
    from pipeline import model_list
    from pipeline.model_facts import read_versions
    from pnfrec_core import model_marks

    with _refusing():
        if not base.is_dir():
            msg = f"{base} is no folder. Nothing was pushed there yet, or the serving folder is another one."
            raise ValueError(msg)
        marks = model_marks.read(base)
        found = read_versions(base, marks)
    if as_json:
        click.echo(json.dumps(model_list.to_record(base, found), indent=2, ensure_ascii=False))
    else:
        click.echo(model_list.render(base, found))


@models.command()
@click.argument("version", type=_VERSION)
@_of_a_folder
@_reason
def pin(base: Path, version: int, reason: str) -> None:
    """Let VERSION serve whatever is pushed, until it is unpinned."""
    from pnfrec_core import marking

    with _refusing():
        marking.pin(base, version, reason)
    click.echo(f"Version {version} is pinned: it serves whatever is pushed, until `pnfrec models unpin`.")
    _tell_servers(base)


@models.command()
@_of_a_folder
def unpin(base: Path) -> None:
    """Let the newest good version serve again."""
    from pnfrec_core import marking

    with _refusing():
        marking.unpin(base)
    click.echo("No version is pinned any more.")
    _tell_serving(base)
    _tell_servers(base)


@models.command()
@click.argument("name")
@click.argument("version", type=_VERSION)
@_of_a_folder
@_reason
def label(base: Path, name: str, version: int, reason: str) -> None:
    """Let the label NAME, such as `stable` or `canary`, name VERSION."""
    from pnfrec_core import marking

    with _refusing():
        marking.label(base, name, version, reason)
    click.echo(f"`{name}` names version {version}, which is loaded for those who ask for it.")
    _tell_serving(base)
    _tell_servers(base)


@models.command()
@click.argument("name")
@_of_a_folder
def unlabel(base: Path, name: str) -> None:
    """Take the label NAME away."""
    from pnfrec_core import marking

    with _refusing():
        marking.unlabel(base, name)
    click.echo(f"No version has the label `{name}` any more: requests for it are refused.")
    _tell_servers(base)


@models.command()
@click.argument("version", type=_VERSION, required=False)
@_of_a_folder
@click.option("--reason", required=True, help="Why, for those who read the marks.")
def rollback(base: Path, version: int | None, reason: str) -> None:
    """Mark VERSION, by default the newest, as bad: nothing serves it, pushes it again or compares with it."""
    from pnfrec_core import marking, model_marks

    with _refusing():
        before = model_marks.read(base)
        after = marking.rollback(base, version, reason)
    bad = sorted(set(after.bad) - set(before.bad), reverse=True)
    are = "is" if len(bad) == 1 else "are"
    same = "" if len(bad) == 1 else " (one model, pushed more than once)"
    names = ", ".join(map(str, bad))
    click.echo(f"Version{'s' * (len(bad) > 1)} {names} {are} bad{same}: nothing serves, pushes or compares with it.")
    for name in sorted(set(before.labels) - set(after.labels)):
        click.echo(f"The label `{name}` named it and is gone: set it anew by `pnfrec models label {name} VERSION`.")
    if before.pinned and not after.pinned:
        click.echo("It was pinned, and is not any more.")
    _tell_serving(base)
    _tell_servers(base)
    click.echo(f"Undo: pnfrec models unmark {bad[0]} --base {shlex.quote(str(base))}")


@models.command()
@click.argument("version", type=_VERSION)
@_of_a_folder
def unmark(base: Path, version: int) -> None:
    """Take it back that VERSION is bad."""
    from pnfrec_core import marking

    with _refusing():
        marking.unmark(base, version)
    click.echo(f"Version {version} is not bad any more.")
    _tell_serving(base)
    _tell_servers(base)


@models.command()
@_of_a_folder
@click.option("--name", default="pnfrec", show_default=True, help="The model, as requests name it.")
@click.option("--base-path", help="The serving folder, as TensorFlow Serving sees it. Default: as it is here.")
def config(base: Path, name: str, base_path: str | None) -> None:
    """Write `models.config` beside the versions, by which TensorFlow Serving obeys the marks.

    Every command and every push writes it anew from now on. Delete the file to end that.
    """
    from pnfrec_core import marking
    from pnfrec_core.model_marks import ConfigFile

    with _refusing():
        file = marking.write_config(base, ConfigFile(name, base_path or str(base.resolve())))
    click.echo(f"{file}\n\n{file.read_text(encoding='utf-8')}")
    click.echo(
        f"Start TensorFlow Serving with --model_config_file={base_path or base.resolve()}/{file.name} "
        "--model_config_file_poll_wait_seconds=10 --allow_version_labels_for_unavailable_models=true"
    )


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _tell_serving(base: Path) -> None:
    """Which version serves now, and why."""
    from pipeline import model_list
    from pnfrec_core import model_marks, versions

    click.echo(model_list.serving_sentence(model_marks.read(base), versions.complete_versions(base)))


def _tell_servers(base: Path) -> None:
    """Who obeys."""
    from pnfrec_core import model_marks, serving_config

    file = serving_config.config_file(base)
    click.echo("`pnfrec serve` follows at its next look, within seconds.", nl=False)
    if file.is_file() and model_marks.read(base).config_file is not None:
        click.echo(f" TensorFlow Serving does when it reads {file}, which was written anew.")
    else:
        click.echo(" TensorFlow Serving does not, until it is given a models.config (`pnfrec models config`).")
