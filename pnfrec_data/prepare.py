"""A publisher's file becomes `ratings.parquet`, a table of titles and a record of where both came from."""

import contextlib
import csv
import dataclasses
import datetime
import importlib
import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pnfrec_core import files, locks
from pnfrec_data.dataset import DataSet
from pnfrec_data.errors import DataError
from pnfrec_data.made import MADE_BY, RATINGS, RECORD, OccupiedError, check_ours, is_whole, read_record
from pnfrec_data.source import Source

DOWNLOADS = "download"
# Of what preparing makes out of a source; a change makes it anew.
_FORM = 1
# Where the data of a checkout lies, wherever the command is typed; elsewhere below the working directory.
_CHECKOUT = Path(__file__).resolve().parents[1]
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set that can be read.

    Attributes:
        folder: Where its files lie.
        record: What `SOURCE.json` holds.
        made: False where it was there already.
    """

    folder: Path
    record: dict[str, Any]
    made: bool


def data_folder() -> Path:
    """The folder of all data sets, that the configurations read."""
    return (_CHECKOUT if (_CHECKOUT / "configs").is_dir() else Path.cwd()) / "data"


def find_copy(data: DataSet, folder: Path) -> Path | None:
    """A copy of the source that is at hand: downloaded before, or in an installed wheel (which is not imported)."""
    downloads = folder / DOWNLOADS
    if all((downloads / file.name).exists() for file in data.files):
        return downloads if len(data.files) > 1 else downloads / data.files[0].name
    if data.wheel is not None:
        package, _, inner = data.wheel
        found = importlib.util.find_spec(package)
        for place in (found.submodule_search_locations or []) if found else []:
            if (Path(place) / inner).is_dir():
                return Path(place) / inner
    return None


def prepare(
    data: DataSet,
    path: Path,
    folder: Path,
    say: Say,
    downloads: Mapping[str, str] | None = None,
    *,
    accept_counts: bool = False,
) -> Prepared:
    """Reads the source at `path` and writes the files of `folder`, unless they are made of that very source.

    `ratings.parquet`: user, item (text, as published), value, timestamp (whole seconds or milliseconds), in the order
    of the source. Files of the same columns beside it, of the data sets that have `others`. The table of titles: item,
    title, of the items that occur. All or nothing: what is cut off leaves no file that looks whole.

    Args:
        data: Which data set.
        path: Zip, file or folder.
        folder: Where to.
        say: Takes sentences for the user.
        downloads: Checksums of what was just downloaded, by file; those of earlier downloads are kept.
        accept_counts: Whether a source with fewer than half of the published rows will do.

    Raises:
        DataError: The source is missing, damaged, of another shape or much too small.
        OccupiedError: A file of somebody else would be written over, or another process prepares the same.
    """
    try:
        return _prepared(data, path, folder, say, downloads or {}, accept_counts)
    except OccupiedError:
        raise
    except DataError as error:
        msg = f"{error} {another_copy(data, path, folder)}"
        raise DataError(msg) from error


def _prepared(
    data: DataSet, path: Path, folder: Path, say: Say, downloads: Mapping[str, str], accept_counts: bool
) -> Prepared:
    source = Source(path, data.parts)
    digest = source.sha256()
    record = read_record(folder)
    known = {**(record or {}).get("downloads", {}), **downloads}
    if record and record["sha256"] == digest and record["form"] == _FORM and is_whole(folder, record):
        if not accept_counts:
            _check_rows(data, record["rows"], path)
        if known != record["downloads"]:
            record["downloads"] = known
            _write_record(record, folder)
        return Prepared(folder, record, made=False)
    origin = {"source": path.name, "sha256": digest, "downloads": known}
    folder.mkdir(parents=True, exist_ok=True)
    # Of two at once with other sources the files would mix, and one record vouch for both.
    try:
        with locks.alone(folder):
            return Prepared(folder, _make(data, source, folder, say, origin, accept_counts), made=True)
    except locks.HeldError as error:
        msg = f"another process is preparing {data.name} in {folder}. Wait for it, then run the same command again."
        raise OccupiedError(msg) from error


def _make(
    data: DataSet, source: Source, folder: Path, say: Say, origin: dict[str, Any], accept_counts: bool
) -> dict[str, Any]:
    """Writes the files of `folder`; the record, of which `origin` is a part."""
    reader = importlib.import_module(f"pnfrec_data.formats.{data.format}")
    check_ours(data, folder)
    with contextlib.ExitStack() as stack:
        ratings, table, *others = (
            stack.enter_context(_Unfinished(folder / name)) for name in (RATINGS, data.titles, *data.others)
        )
        rows, users, items = _write_ratings(reader.rows(source, say), ratings.path, data, source.path)
        if rows == 0:
            msg = f"{source.path}: has no row. Get it anew."
            raise DataError(msg)
        if not accept_counts:
            _check_rows(data, rows, source.path)
        _check_not_swapped(data, len(users), len(items), source.path)
        for other in others:
            tables = reader.other(other.target.name, source, say)
            if _write_ratings(tables, other.path, data, source.path)[0] == 0:
                msg = f"{source.path}: has no row for {other.target.name}. Get it anew."
                raise DataError(msg)
        titles = reader.titles(source)
        titled = None if titles is None else _write_titles(titles, items, table.path)
        if titled is not None and 2 * titled < len(items):
            say(
                f"{titled:,} of {len(items):,} items have a title: the titles of {source.path} seem to be of another "
                "data set, or a part."
            )
        record = {
            "name": data.name,
            "title": data.title,
            "source": origin["source"],
            "sha256": origin["sha256"],
            "prepared": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "rows": rows,
            "users": len(users),
            "items": len(items),
            "others": list(data.others),
            "titles": data.titles if titled is not None else None,
            "page": data.page,
            "licence": data.licence,
            "citation": data.citation,
            "downloads": origin["downloads"],
            "form": _FORM,
        }
        # From here on the old files and the new ones mix: no record may vouch for them.
        (folder / RECORD).unlink(missing_ok=True)
        for each in (ratings, *others):
            each.finish()
        if titled is not None:
            table.finish()
    _write_record(record, folder)
    return record


def another_copy(data: DataSet, path: Path, folder: Path) -> str:
    """How to get another copy than the one at `path`, in a sentence."""
    command = f"`pnfrec data fetch {data.name}` downloads it."
    downloads = (folder / DOWNLOADS).resolve()
    # A file that is there is not downloaded again, and one without a known checksum passes for whole.
    is_download = path.exists() and downloads in (path.resolve(), *path.resolve().parents)
    return f"Remove {path}, then {command}" if is_download else command


def _check_not_swapped(data: DataSet, users: int, items: int, path: Path) -> None:
    """Raises a DataError where there are as many users as published items, and as many items as published users."""
    _, all_users, all_items = data.counts or (0, None, None)
    if all_users is None or all_items is None:
        return
    # As near to the other number as a fifth of the smaller one, and nearer to it than to its own.
    near = 0.2 * min(all_users, all_items)
    crosswise = abs(users - all_items) < near and abs(items - all_users) < near
    if crosswise and abs(users - all_users) > abs(users - all_items):
        msg = (
            f"{path}: has {users:,} users and {items:,} items, and published are {all_users:,} users and {all_items:,} "
            "items. The two columns are swapped. Correct the header or the columns, or get it anew."
        )
        raise DataError(msg)


def _check_rows(data: DataSet, rows: int, path: Path) -> None:
    if data.counts is not None and 2 * rows > 3 * data.counts[0]:
        msg = (
            f"{path}: expected {data.counts[0]:,} rows, as published. Received {rows:,}, more than half as many again: "
            "a file that was put together twice, or another one. What was prepared before is left as it is. Get the "
            "file anew, or add --accept-counts to take this one."
        )
        raise DataError(msg)
    if data.counts is not None and 2 * rows < data.counts[0]:
        msg = (
            f"{path}: expected {data.counts[0]:,} rows, as published. Received {rows:,}, fewer than half: a download "
            "that was cut off, or another file. What was prepared before is left as it is. Get the whole file, or add "
            "--accept-counts to take this one."
        )
        raise DataError(msg)


def differences(data: DataSet, record: dict[str, Any]) -> list[str]:
    """How the counts differ from the published ones, a sentence each."""
    if data.counts is None:
        return []
    names, unit = ("rows", "users", "items"), data.rounded_to
    rounded = f" (rounded to {unit:,})" if unit > 1 else ""
    return [
        f"{record[name]:,} {name}, published are {count:,}{rounded}."
        for name, count in zip(names, data.counts, strict=True)
        if count is not None and abs(2 * (record[name] - count)) > (unit if unit > 1 else 0)
    ]


def _write_record(record: dict[str, Any], folder: Path) -> None:
    with _Unfinished(folder / RECORD) as text:
        text.path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        text.finish()


class _Unfinished:
    """A file beside its final place, which it takes with `finish`, or else vanishes."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.{os.getpid()}.partial")

    def __enter__(self) -> "_Unfinished":
        return self

    def __exit__(self, *error: object) -> None:
        self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        files.sync(self.path)
        os.replace(self.path, self.target)


def _write_ratings(tables: Iterator[Any], path: Path, data: DataSet, where: Path) -> tuple[int, set[str], set[str]]:
    """Writes the rows, table by table, each as the contract wants it; their number, users and items."""
    import pyarrow.parquet as pq
    from pyarrow import compute as pc

    from pnfrec_data.contract import Checked

    rows, users, items = 0, set[str](), set[str]()
    checked = Checked(data.contract, str(where))
    writer = None
    try:
        for table in tables:
            checked.add(table)
            if writer is None:
                schema = table.schema.with_metadata({**(table.schema.metadata or {}), **MADE_BY})
                writer = pq.ParquetWriter(path, schema, compression="zstd", compression_level=9)
            writer.write_table(table)
            rows += table.num_rows
            users.update(pc.unique(table["user"]).to_pylist())
            items.update(pc.unique(table["item"]).to_pylist())
        if rows:
            checked.finish()
    finally:
        if writer is not None:
            writer.close()
    return rows, users, items


def _write_titles(titles: Iterator[tuple[str, str]], items: set[str], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["item", "title"])
        chosen = [pair for pair in titles if pair[0] in items]
        writer.writerows(chosen)
    return len(chosen)
