"""What preparing writes, when it does nothing, and where it finds a copy."""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pnfrec_core import locks
from pnfrec_data import prepare as preparing
from pnfrec_data import registry
from pnfrec_data.dataset import DataSet
from pnfrec_data.errors import DataError
from pnfrec_data.made import OccupiedError, read_record
from pnfrec_data.prepare import Prepared, Say, differences, find_copy

ML_1M = registry.find("ml-1m")


def source(folder: Path, rating: int = 3) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README").write_text(str(folder))
    path = folder / "ratings.dat"
    path.write_text(f"1::661::{rating}::978302109\n2::661::4::978302110\n")
    return path


def quiet(_: str) -> None:
    pass


def prepare(data: DataSet, path: Path, folder: Path, say: Say, downloads: dict[str, str] | None = None) -> Prepared:
    """As the command with --accept-counts: the sources here have a few rows."""
    return preparing.prepare(data, path, folder, say, downloads, accept_counts=True)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_record_says_what_was_read(tmp_path: Path) -> None:
    path = source(tmp_path / "in")
    done = prepare(ML_1M, path, tmp_path / "out", quiet)
    record = json.loads((tmp_path / "out" / "SOURCE.json").read_text(encoding="utf-8"))
    assert record == done.record
    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (record["source"], record["rows"], record["users"], record["items"]) == ("ratings.dat", 2, 2, 1)
    assert record["titles"] is None
    assert "not for commercial use" in record["licence"]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["SOURCE.json", "ratings.parquet"]
    assert differences(ML_1M, record) == [
        "2 rows, published are 1,000,209.",
        "2 users, published are 6,040.",
        "1 items, published are 3,706.",
    ]
    assert differences(ML_1M, {"rows": 1_000_209, "users": 6_040, "items": 3_706}) == []


def test_the_same_source_is_read_once_wherever_it_lies(tmp_path: Path) -> None:
    assert prepare(ML_1M, source(tmp_path / "a"), tmp_path / "out", quiet).made
    assert not prepare(ML_1M, source(tmp_path / "a"), tmp_path / "out", quiet).made
    assert not prepare(ML_1M, source(tmp_path / "b").parent, tmp_path / "out", quiet).made, "a README changes nothing"
    assert prepare(ML_1M, source(tmp_path / "b", rating=5), tmp_path / "out", quiet).made
    (tmp_path / "out" / "ratings.parquet").unlink()
    assert prepare(ML_1M, source(tmp_path / "b", rating=5), tmp_path / "out", quiet).made


def test_a_source_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(ML_1M, source(tmp_path / "a"), out, quiet)
    before = content(out)
    broken = tmp_path / "broken.dat"
    broken.write_text("1::661::3::978302109\n1::661::")
    with pytest.raises(DataError, match="line 2"):
        prepare(ML_1M, broken, out, quiet)
    assert content(out) == before


def test_fewer_than_half_of_the_published_rows_are_refused_and_leave_what_was_there(tmp_path: Path) -> None:
    out, new = tmp_path / "out", source(tmp_path / "new", rating=5)
    four, five = (dataclasses.replace(ML_1M, counts=(rows, 2, 1)) for rows in (4, 5))
    assert preparing.prepare(four, source(tmp_path / "old"), out, quiet).made, "half is enough"
    before = content(out)
    with pytest.raises(DataError) as error:
        preparing.prepare(five, new, out, quiet)
    assert str(error.value) == (
        f"{new}: expected 5 rows, as published. Received 2, fewer than half: a download that was cut off, or another "
        "file. What was prepared before is left as it is. Get the whole file, or add --accept-counts to take this one. "
        "`pnfrec data fetch ml-1m` downloads it."
    )
    assert content(out) == before
    assert preparing.prepare(five, new, out, quiet, accept_counts=True).made
    before = content(out)
    with pytest.raises(DataError, match="Received 2, fewer than half"):
        preparing.prepare(five, new, out, quiet, {"a.zip": "12"})
    assert content(out) == before, "the same command says the same, whatever is there"
    assert not preparing.prepare(five, new, out, quiet, accept_counts=True).made
    unknown = dataclasses.replace(ML_1M, counts=None)
    assert not preparing.prepare(unknown, new, out, quiet).made


def test_a_bad_download_is_to_be_removed_since_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    path = source(tmp_path / "download")
    path.write_text("1::661")
    for given in (path, path.parent):
        with pytest.raises(DataError) as error:
            prepare(ML_1M, given, tmp_path, quiet)
        assert str(error.value).endswith(f"anew. Remove {given}, then `pnfrec data fetch ml-1m` downloads it.")
    gone = tmp_path / "download" / "gone.zip"
    with pytest.raises(DataError, match=r"no such file or folder. `pnfrec data fetch ml-1m` downloads it.$"):
        prepare(ML_1M, gone, tmp_path, quiet)


def test_an_interruption_between_the_files_is_not_taken_for_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    old = source(tmp_path / "old")
    prepare(ML_1M, old, out, quiet)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "_write_record", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare(ML_1M, source(tmp_path / "new", rating=5), out, quiet)
    monkeypatch.undo()
    assert prepare(ML_1M, old, out, quiet).made, (
        "the rows are those of the new source, so the old record must not count"
    )


def test_checksums_of_downloads_are_kept(tmp_path: Path) -> None:
    path, out = source(tmp_path / "in"), tmp_path / "out"
    prepare(ML_1M, path, out, quiet)
    assert prepare(ML_1M, path, out, quiet, {"a.zip": "12"}).record["downloads"] == {"a.zip": "12"}
    record = prepare(ML_1M, source(tmp_path / "in", rating=1), out, quiet).record
    assert record["downloads"] == {"a.zip": "12"}
    assert read_record(out) == record


def test_a_download_is_found_only_when_all_its_files_are_there(tmp_path: Path) -> None:
    tweets, downloads = registry.find("movietweetings"), tmp_path / "download"
    downloads.mkdir()
    (downloads / "ratings.dat").touch()
    assert find_copy(tweets, tmp_path) is None
    (downloads / "movies.dat").touch()
    assert find_copy(tweets, tmp_path) == downloads
    (downloads / "ml-1m.zip").touch()
    assert find_copy(ML_1M, tmp_path) == downloads / "ml-1m.zip"


def test_the_copy_of_an_installed_wheel_is_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = registry.find("ml-100k")
    assert data.wheel == ("recbole", "1.2.1", "dataset_example/ml-100k")
    data = dataclasses.replace(data, wheel=("no_such_wheel", *data.wheel[1:]))
    package = tmp_path / "site" / "no_such_wheel"
    (package / "dataset_example" / "ml-100k").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    assert find_copy(data, tmp_path) is None
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert find_copy(data, tmp_path) == package / "dataset_example" / "ml-100k"
    assert "no_such_wheel" not in sys.modules


@pytest.mark.parametrize("name", ["ratings.parquet", "items.csv"])
def test_what_was_not_made_here_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    own = tmp_path / "out" / name
    own.write_text("mine")
    data = dataclasses.replace(ML_1M, titles="items.csv")
    with pytest.raises(DataError, match=f"{name}: was not made by this command.*Move it away.*--data.$"):
        prepare(data, source(tmp_path / "in"), tmp_path / "out", quiet)
    assert content(tmp_path / "out") == {name: b"mine"}
    own.unlink()
    own.mkdir()
    with pytest.raises(DataError, match=f"{name}: is a folder"):
        prepare(data, source(tmp_path / "in"), tmp_path / "out", quiet)


@pytest.mark.parametrize("damage", ["cut off", "another one", "a folder"])
def test_prepared_rows_that_are_damaged_are_made_anew(tmp_path: Path, damage: str) -> None:
    path, out = source(tmp_path / "in"), tmp_path / "out"
    prepare(ML_1M, path, out, quiet)
    ratings, whole = out / "ratings.parquet", (out / "ratings.parquet").read_bytes()
    if damage == "cut off":
        ratings.write_bytes(whole[:-1])
    elif damage == "another one":
        pq.write_table(pq.read_table(ratings).slice(1), ratings)
    else:
        ratings.unlink()
        ratings.mkdir()
        with pytest.raises(DataError, match="is a folder"):
            prepare(ML_1M, path, out, quiet)
        ratings.rmdir()
    assert prepare(ML_1M, path, out, quiet).made
    assert ratings.read_bytes() == whole
    assert not prepare(ML_1M, path, out, quiet).made


@pytest.mark.parametrize("text", ["{}", "[]", "null", '"x"', '{"rows": 1}', '{"sha256": "x", "rows": "many"}'])
def test_a_file_that_is_no_record_vouches_for_nothing(tmp_path: Path, text: str) -> None:
    path, out = source(tmp_path / "in"), tmp_path / "out"
    prepare(ML_1M, path, out, quiet)
    (out / "SOURCE.json").write_text(text)
    assert read_record(out) is None
    assert prepare(ML_1M, path, out, quiet).made
    assert read_record(out) is not None


def test_two_at_once_do_not_mix_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with locks.alone(folder), pytest.raises(OccupiedError) as caught:
        prepare(ML_1M, source(tmp_path / "in"), folder, quiet)
    assert str(caught.value) == (
        f"another process is preparing ml-1m in {folder}. Wait for it, then run the same command again."
    )
    assert not list(folder.iterdir())
    assert prepare(ML_1M, source(tmp_path / "in"), folder, quiet).made
