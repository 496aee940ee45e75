"""The reference of the configuration and of the command line, as Markdown made from the sources. No TensorFlow.

`python -m dev.reference configuration`, or `server`, or `command-line`, writes it to the standard output.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pnfrec_core.settings.reference import table_row

_EXIT_STATUS = "Exit status:"
_HEAD = ("| option | value | default | meaning |", "|---|---|---|---|")


def configuration() -> str:
    """Every key of a configuration: what it means, what it may be, its default."""
    from pipeline.config import PipelineConfig
    from pnfrec_core.settings.keys import tree_of
    from pnfrec_core.settings.reference import write_markdown

    return write_markdown(tree_of(PipelineConfig))


def server() -> str:
    """Every key of a server's settings: what it means, what it may be, its default."""
    from pnfrec_core.settings.keys import tree_of
    from pnfrec_core.settings.reference import write_markdown
    from serving.settings import ServerSettings

    return write_markdown(tree_of(ServerSettings), "Settings of a server")


def command_line() -> str:
    """Every command of `pnfrec` with its arguments, options and exit status."""
    from pipeline.cli import main

    return "\n".join(_lines(main, click.Context(main, info_name="pnfrec"), "Command line", 1)) + "\n"


def exit_status(command: click.Command) -> str:
    """What a command says of its exit status, one sentence; "" where it says nothing."""
    found = re.search(rf"{_EXIT_STATUS}(.*?)(?:\n\n|$)", inspect.cleandoc(command.help or ""), re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def _lines(command: click.Command, context: click.Context, title: str, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {title}", "")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from (f"`{usage}`", "")
    yield from _help(command)
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter, context))]
    if rows:
        yield from (*_HEAD, *rows, "")
    if status := exit_status(command):
        yield from (f"Exit status: {status}", "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is None:
                msg = f"`{context.command_path} {name}` is listed and does not exist."
                raise LookupError(msg)
            own = click.Context(inner, info_name=name, parent=context)
            yield from _lines(inner, own, f"`{own.command_path}`", level + 1)


def _help(command: click.Command) -> Iterator[str]:
    """The paragraphs of the help but for the exit status; those that click leaves as they are become code."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        text, _, _ = paragraph.partition(_EXIT_STATUS)
        if text.startswith("\b\n"):  # click's mark of a paragraph that stays as it is
            yield from ("```", text.removeprefix("\b\n"), "```", "")
        elif text.strip():
            yield from (text.strip(), "")


def _row(parameter: click.Parameter, context: click.Context) -> str:
    if isinstance(parameter, click.Option):
        record = parameter.get_help_record(context)
        if record is None or "--help" in parameter.opts:
            return ""
        flags = ", ".join((*parameter.opts, *parameter.secondary_opts))
        value = "" if parameter.is_flag else parameter.make_metavar(ctx=context)
        meaning = parameter.help or ""
    else:
        flags, value, meaning = parameter.human_readable_name, parameter.make_metavar(ctx=context), ""
    return table_row(f"`{flags}`", f"`{value}`" if value else "", _default(parameter), meaning)


def _default(parameter: click.Parameter) -> str:
    if parameter.required:
        return "required"
    default = parameter.default
    is_said = isinstance(default, int | float | str | Path) and not isinstance(default, bool)
    return f"`{default}`" if is_said else ""


_PAGES = {"configuration": configuration, "server": server, "command-line": command_line}

if __name__ == "__main__":
    sys.stdout.write(_PAGES[sys.argv[1]]())
