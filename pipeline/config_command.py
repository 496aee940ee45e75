"""`pnfrec config`: every setting with its meaning and default, or the settings of a file."""

from pathlib import Path

import click

from pipeline.refused import RefusedError

_HEADER = """\
# Every setting of `pnfrec run`, with its default. A configuration needs to hold only what differs:
# what it leaves out has its default. What is required is shown with an example.
"""


@click.command(name="config")
@click.argument("key", required=False)
@click.option("--config", "config_path", type=click.Path(path_type=Path), help="Show the settings of this YAML file.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of that file.")
def config(key: str | None, config_path: Path | None, overrides: tuple[str, ...]) -> None:
    """Print every setting with its meaning, its type and its default, as YAML to start from.

    KEY, such as `model` or `model.alpha`, prints that section or key alone. With --config the settings of a file are
    printed, with the default beside each that differs from it.

    Exit status: 0 printed, 2 unknown key or wrong configuration.
    """
    from pipeline.config import ConfigError, PipelineConfig, load_config
    from pnfrec_core.settings.commented import write_defaults, write_resolved
    from pnfrec_core.settings.keys import tree_of

    if overrides and config_path is None:
        msg = "--set changes the settings of a file: name it by --config."
        raise click.UsageError(msg)
    try:
        keys = tree_of(PipelineConfig)
        chosen = keys.only(key) if key else keys
        if config_path is not None:
            settings = load_config(config_path, overrides)
            text = f"# {config_path}: what differs from its default has the default beside it.\n\n"
            text += write_resolved(chosen, settings)
        else:
            text = ("" if key else _HEADER + "\n") + write_defaults(chosen)
    except (ConfigError, LookupError) as error:
        raise RefusedError(str(error)) from error
    click.echo(text, nl=False)
