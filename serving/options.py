"""Options of the commands that are made from something else: those of the settings, and those of a connection."""

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from pnfrec_core.settings.docstrings import read_docstring

if TYPE_CHECKING:
    from serving.connection import TlsFiles

Command = TypeVar("Command", bound=Callable[..., Any])

# Keys of these sections are options without the name of the section.
_FLAT: Final = ("limits",)
# One option may be given several times.
_MANY: Final = list[int]
_TYPES: Final[dict[Any, Any]] = {
    int: click.INT,
    float: click.FLOAT,
    str: click.STRING,
    int | None: click.INT,
}
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def settings_options(kind: type) -> Callable[[Command], Command]:
    """An option for each key of a dataclass of settings.

    A command gets what was given by the path of the key, with `__` for each point: `limits.max_rows` is `--max-rows`
    and arrives as `limits__max_rows`; it is None where it was not given.
    """

    def decorate(command: Command) -> Command:
        for option in reversed([*_options(kind, ())]):
            command = option(command)
        return command

    return decorate


def given_settings(values: dict[str, Any]) -> dict[str, Any]:
    """What was given on the command line: path of a key to its value."""
    given = {name.replace("__", "."): value for name, value in values.items() if value not in (None, ())}
    return {name: [*value] if isinstance(value, tuple) else value for name, value in given.items()}


def _options(kind: type, path: tuple[str, ...]) -> Any:
    hints = typing.get_type_hints(kind)
    _, meanings = read_docstring(kind)
    for field in dataclasses.fields(kind):
        hint, own = hints[field.name], (*path, field.name)
        if dataclasses.is_dataclass(hint):
            yield from _options(typing.cast(type, hint), own)
            continue
        flag = "-".join(part for part in own if part not in _FLAT).replace("_", "-")
        meaning = meanings.get(field.name, "")
        if hint is bool:
            yield click.option(f"--{flag}/--no-{flag}", "__".join(own), default=None, help=meaning)
            continue
        if hint == _MANY:
            yield click.option(f"--{flag}", "__".join(own), type=click.INT, multiple=True, help=meaning)
            continue
        default = field.default
        shown = False if default in ("", None, dataclasses.MISSING) else str(default)
        yield click.option(f"--{flag}", "__".join(own), type=_TYPES[hint], show_default=shown, help=meaning)


def connection_options(command: Command) -> Command:
    """How a command reaches a server; it gets `target`, `tls`, `ca`, `cert`, `key` and `token_file`."""
    for option in reversed(
        (
            click.option("--target", default="127.0.0.1:8500", show_default=True, help="host:port of the server."),
            click.option("--tls", is_flag=True, help="Connect with TLS, and trust the certificates that gRPC brings."),
            click.option(
                "--ca", type=_FILE, help="Connect with TLS, and trust what these certificates (PEM) have signed."
            ),
            click.option(
                "--cert", type=_FILE, help="The client's own certificate (PEM), for servers that ask for one."
            ),
            click.option("--key", type=_FILE, help="The private key of --cert (PEM)."),
            click.option("--token-file", type=_FILE, help="File whose first line is the token to send."),
        )
    ):
        command = option(command)
    return command


def tls_of(tls: bool, ca: Path | None, cert: Path | None, key: Path | None) -> "TlsFiles | None":
    """The files that the options of a connection name; None for one without TLS.

    Raises:
        click.UsageError: One of --cert and --key is missing.
    """
    if (cert is None) != (key is None):
        lacking = "key" if key is None else "cert"
        msg = f"Give --cert and --key together: a certificate and its private key. --{lacking} is missing."
        raise click.UsageError(msg)
    if not (tls or ca or cert):
        return None
    from serving.connection import TlsFiles

    return TlsFiles(ca, cert, key)
