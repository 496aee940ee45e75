"""Sources of the right shape whose rows are not those of the published data set: none is taken without a word."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pnfrec_data import registry
from pnfrec_data.errors import DataError
from pnfrec_data.prepare import _check_not_swapped, _check_rows, prepare
from tests.pnfrec_data import made_dislikes
from tests.pnfrec_data.sources import archive, made

BEGIN = {"ml-1m": 978_300_760, "ml-100k": 880_000_000, "ml-32m": 1_112_486_027}
HEADER = {"ml-32m": "userId,movieId,rating,timestamp\n"}
NAMES = {"ml-1m": ("ratings.dat", "::"), "ml-100k": ("u.data", "\t"), "ml-32m": ("ratings.csv", ",")}
Row = tuple[Any, Any, Any, Any]


def text(name: str, change: Callable[[Any, Any, Any, Any], Row]) -> bytes:
    """Sixty ratings, changed."""
    _, separator = NAMES[name]
    rows = (change(1 + k % 5, 10 + k % 7, 1 + k % 5, BEGIN[name] + 100 * k) for k in range(60))
    return (HEADER.get(name, "") + "".join(separator.join(map(str, row)) + "\n" for row in rows)).encode()


def write(folder: Path, name: str, content: bytes) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / NAMES[name][0]).write_bytes(content)
    return folder / "in"


def refused(name: str, source: Path, folder: Path) -> str:
    with pytest.raises(DataError) as error:
        made(name, source, folder / "out")
    assert list((folder / "out").glob("*")) == []
    return str(error.value)


@pytest.mark.parametrize("name", list(NAMES))
def test_ratings_as_published(tmp_path: Path, name: str) -> None:
    assert made(name, write(tmp_path, name, text(name, lambda *row: row)), tmp_path / "out")[1].num_rows == 60


@pytest.mark.parametrize("name", list(NAMES))
@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda u, i, r, t: (u, i, r, t * 1000), "timestamp"),
        (lambda u, i, r, t: (u, i, r, t // 60), "timestamp"),
        (lambda u, i, r, _: (u, i, r, -5), "timestamp"),
        (lambda u, i, r, t: (u, i, r * 20, t), "value"),
        (lambda u, i, r, t: (u, i, r - 1, t), "value"),
        (lambda u, i, r, t: (u, r, i, t), "value"),
        (lambda u, i, r, t: (f"{u}.0", i, r, t), "user"),
        (lambda u, i, r, t: (u, f"{i}.0", r, t), "item"),
        (lambda u, i, r, t: ("" if u == 3 else u, i, r, t), "user"),
        (lambda u, i, r, t: (f" {u}", i, r, t), "user"),
        (lambda u, _, r, t: (u, "\ufeff10", r, t), "item"),
    ],
)
def test_a_row_that_was_not_published_is_named(tmp_path: Path, name: str, change: Any, column: str) -> None:
    source = write(tmp_path, name, text(name, change))
    told = refused(name, source, tmp_path)
    assert f"in the column {column}. Received " in told
    assert ", in the row 1 that is written: {'user': " in told or column in ("user", "value")


@pytest.mark.parametrize("value", ["nan", "inf", ""])
def test_no_number_is_no_rating(tmp_path: Path, value: str) -> None:
    source = write(tmp_path, "ml-32m", text("ml-32m", lambda u, i, _, t: (u, i, value, t)))
    assert "expected a number from 0.5 to 5 in the column value. Received " in refused("ml-32m", source, tmp_path)


def test_a_last_line_that_was_cut_off_in_its_number(tmp_path: Path) -> None:
    source = write(tmp_path, "ml-1m", text("ml-1m", lambda *row: row)[:-6])
    assert "Received 9783, in the row 60 that is written" in refused("ml-1m", source, tmp_path)


def test_values_of_a_part_of_the_scale(tmp_path: Path) -> None:
    content = "user_id,item_id,last_watch_dt,total_dur,watched_pct\n"
    content += "".join(f"{k % 5},{k % 7},2021-05-{1 + k % 28:02d},100,{k / 60}\n" for k in range(60))
    told = refused("kion", archive(tmp_path / "a.zip", interactions__csv=content.encode()), tmp_path)
    assert "expected values that go from 0 to 100. All 60 lie from 0 to 0.98333" in told
    empty = content.partition("\n")[0] + "\n" + "".join(f"{k},1,2021-05-01,100,\n" for k in range(60))
    told = refused("kion", archive(tmp_path / "b.zip", interactions__csv=empty.encode()), tmp_path)
    assert "60 of 60 rows have no value" in told


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("userId:token", "expected"),
        ({"rating:float": 3.5}, "row 1, column rating:float: expected a whole number. Received 3.5"),
        ({"rating:float": "nan"}, "column rating:float: expected a whole number. Received None"),
        ({"timestamp:float": 880_000_000.5}, "column timestamp:float: expected a whole number. Received 880000000.5"),
    ],
)
def test_atomic_files_of_recbole(tmp_path: Path, columns: Any, message: str) -> None:
    names = ("user_id:token", "item_id:token", "rating:float", "timestamp:float")
    row: dict[str, Any] = dict(zip(names, (1, 2, 3, 880_000_000), strict=True))
    row |= columns if isinstance(columns, dict) else {}
    header = [columns, *names[1:]] if isinstance(columns, str) else list(names)
    lines = ["\t".join(header), *["\t".join(map(str, row.values()))] * 3]
    (tmp_path / "ml-100k.inter").write_text("\n".join(lines) + "\n")
    assert message in refused("ml-100k", tmp_path / "ml-100k.inter", tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"reviewerID": None}, {"asin": ["B1"]}, {"overall": True}, {"overall": "5"}, {"unixReviewTime": "05 27, 2013"}],
)
def test_amazon_reviews_hold_texts_and_numbers(tmp_path: Path, change: dict[str, Any]) -> None:
    review = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1_390_000_000, **change}
    (tmp_path / "r.json").write_text(json.dumps(review) + "\n")
    assert "r.json, line 1: expected a JSON object with" in refused("amazon-toys", tmp_path / "r.json", tmp_path)


def test_amazon_values_and_ids(tmp_path: Path) -> None:
    for change, column in (({"overall": 9}, "value"), ({"overall": float("nan")}, "value"), ({"asin": ""}, "item")):
        review = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1_390_000_000, **change}
        (tmp_path / "r.json").write_text(json.dumps(review) + "\n")
        assert f"in the column {column}." in refused("amazon-toys", tmp_path / "r.json", tmp_path)


def test_counts_that_tell(tmp_path: Path) -> None:
    data = registry.find("ml-1m")
    with pytest.raises(DataError, match=r"has 3,700 users and 6,000 items, and published are 6,040 users and 3,706"):
        _check_not_swapped(data, 3_700, 6_000, tmp_path)
    _check_not_swapped(data, 6_000, 3_700, tmp_path)
    _check_not_swapped(data, 40, 60, tmp_path)
    # Nearly as many of both: nothing can be told.
    toys = registry.find("kion")
    _check_not_swapped(toys, 900_000, 15_000, tmp_path)
    with pytest.raises(DataError, match=r"Received 2,000,418, more than half as many again: a file that was put tog"):
        _check_rows(data, 2_000_418, tmp_path)
    _check_rows(data, 1_000_209, tmp_path)


def test_titles_of_another_data_set_are_told(tmp_path: Path) -> None:
    source = write(tmp_path, "ml-1m", text("ml-1m", lambda *row: row))
    (source / "movies.dat").write_text("999::A (1990)::x\n10::B::x\n")
    said: list[str] = []
    prepare(registry.find("ml-1m"), source, tmp_path / "out", said.append, accept_counts=True)
    (told,) = said
    assert told.startswith("1 of 7 items have a title: the titles of ")


def test_archives(tmp_path: Path) -> None:
    content = text("ml-1m", lambda *row: row)
    inner = archive(tmp_path / "inner.zip", ratings__dat=content)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(inner, "ml-1m/inner.zip")
    assert "Found: inner.zip. Unpack inner.zip first, and name that." in refused(
        "ml-1m", tmp_path / "outer.zip", tmp_path
    )
    with zipfile.ZipFile(inner, "a") as of_mac:
        of_mac.writestr("__MACOSX/folder/ratings.dat", b"what macOS adds")
        of_mac.writestr("folder/._movies.dat", b"what macOS adds")
    assert made("ml-1m", inner, tmp_path / "out")[1].num_rows == 60


def plays(path: Path, **changes: Any) -> Path:
    k = pd.Series(range(80))
    columns = {"user_id": k % 5, "track_id": k % 7, "session_id": k, "play_duration": 30.0 + k % 9}
    columns["datetime"] = pd.to_datetime(1_680_000_000 + 60 * k, unit="s")
    pd.DataFrame({**columns, **changes}).to_parquet(path, index=False)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"play_duration": -1.0}, "row 1, column play_duration: expected seconds. Received -1.0"),
        ({"play_duration": float("nan")}, "column play_duration: expected seconds. Received nan|None"),
        ({"play_duration": "30"}, "column play_duration: expected numbers. Received (large_)?string"),
        ({"datetime": 1_680_000_000}, "column datetime: expected timestamps. Received int64"),
        ({"user_id": 1.0}, "column user_id: expected whole numbers or text. Received double"),
        ({"track_id": pd.array([None, *[1] * 79], "Int64")}, "row 1, column track_id: expected something. Received"),
        ({"datetime": pd.Timestamp("1970-01-02")}, "expected milliseconds since 1970 of the years 2010 to 2099"),
    ],
)
def test_zvuk_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        made("zvuk", plays(tmp_path / "zvuk-interactions.parquet", **changes), tmp_path / "out")


LIKES = [(100 + k % 30, 5_000 + k % 41, 5 * k) for k in range(200)]
DISLIKES = [(100 + k % 30, 5_020 + k % 41, 5 * k + 5) for k in range(100)]


def test_files_of_one_source_that_copy_one_another_or_are_swapped(tmp_path: Path) -> None:
    folder = made_dislikes.yambda_files(tmp_path / "in", likes=LIKES, dislikes=DISLIKES, undislikes=DISLIKES[:9])
    assert made("yambda-50m", folder, tmp_path / "fine")[1].num_rows == 291
    made_dislikes.yambda_files(folder, likes=LIKES, dislikes=LIKES)
    assert "dislikes.parquet: holds the very rows of " in refused("yambda-50m", folder, tmp_path)
    swapped = [(item, user, time) for user, item, time in DISLIKES]
    made_dislikes.yambda_files(folder, likes=LIKES, dislikes=swapped)
    told = refused("yambda-50m", folder, tmp_path)
    assert "dislikes.parquet: 51% of the users there are items of the files before, and 0% users; of the items" in told


def test_a_week_of_vk_lsvd_that_copies_another_or_is_swapped(tmp_path: Path) -> None:
    def rows(week: int) -> list[tuple[int, int, bool, bool]]:
        return [(100 + k % 30, 5_000 + (k + week) % 41, k % 3 == 0, k % 5 == 1) for k in range(90)]

    def weeks(name: str, **changes: Any) -> Path:
        return made_dislikes.vk_weeks(tmp_path / name, **{**{f"week_{k}": rows(k) for k in range(27)}, **changes})

    assert made("vk-lsvd", weeks("fine"), tmp_path / "fine-out")[1].num_rows > 0
    assert "week_05.parquet: holds the very rows of " in refused("vk-lsvd", weeks("copy", week_5=rows(4)), tmp_path)
    swapped = [(item, user, like, dislike) for user, item, like, dislike in rows(3)]
    assert "week_03.parquet: 100% of the users there are items" in refused(
        "vk-lsvd", weeks("swap", week_3=swapped), tmp_path
    )


def test_flags_of_another_type(tmp_path: Path) -> None:
    folder = made_dislikes.vk_weeks(tmp_path / "in", week_3=[(1, 2, True, False)])
    (path,) = folder.rglob("week_03.parquet")
    frame = pq.read_table(path).to_pandas()
    frame.assign(like=frame["like"].astype(str)).to_parquet(path, index=False)
    assert "column like: expected 0 or 1, or booleans. Received " in refused("vk-lsvd", folder, tmp_path)


def test_a_log_of_kuairand_without_a_row_or_twice(tmp_path: Path) -> None:
    views = "".join(made_dislikes.view(k % 30, k % 40, k, "l") for k in range(60))
    folder = made_dislikes.kuairand_logs(tmp_path / "a", views, "", views)
    assert "log_standard_4_22_to_5_08_pure.csv: has no row" in refused("kuairand-pure", folder, tmp_path)
    folder = made_dislikes.kuairand_logs(tmp_path / "b", views, views, views)
    assert "4_22_to_5_08_pure.csv: holds the very rows of " in refused("kuairand-pure", folder, tmp_path)
    later = "".join(made_dislikes.view(k % 30, k % 40, 100 + k, "l") for k in range(60))
    folder = made_dislikes.kuairand_logs(tmp_path / "c", views, later, views)
    assert "All 120 lie from 1 to 1: a part of the file" in refused("kuairand-pure", folder, tmp_path)
