"""Each reader on small files of the published shape, written here."""

import datetime
import gzip
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pnfrec_data.formats import zvuk
from tests.pnfrec_data.sources import archive, made, review


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*table.to_pydict().values(), strict=True))


ML_1M = {
    "ratings__dat": b"1::0661::3::978302109\n1::914::5::978301968\r\n2::0661::1::978300275\n",
    "movies__dat": "0661::Fianc\xe9e, La (1999)::Drama\n914::My: Lady (1964)::Musical\n5::Unrated (1990)::X\n".encode(
        "latin-1"
    ),
}
ML_1M_ROWS = [("1", "0661", 3, 978302109), ("1", "914", 5, 978301968), ("2", "0661", 1, 978300275)]


def test_movielens_1m_as_zip_folder_and_file(tmp_path: Path) -> None:
    source = archive(tmp_path / "ml-1m.zip", **ML_1M)
    done, table, titles = made("ml-1m", source, tmp_path / "a")
    assert rows(table) == ML_1M_ROWS
    assert titles == {"0661": "Fianc\xe9e, La (1999)", "914": "My: Lady (1964)"}, "of rated items, read as Latin-1"
    assert (done.record["rows"], done.record["users"], done.record["items"]) == (3, 2, 2)
    with zipfile.ZipFile(source) as zipped:
        zipped.extractall(tmp_path)
    assert rows(made("ml-1m", tmp_path / "folder", tmp_path / "b")[1]) == ML_1M_ROWS
    file = tmp_path / "folder" / "ratings.dat"
    assert made("ml-1m", file, tmp_path / "c")[2] == titles, "titles lie beside the file"
    (tmp_path / "folder" / "movies.dat").unlink()
    assert made("ml-1m", file, tmp_path / "d")[2] is None


def test_movietweetings_is_utf8(tmp_path: Path) -> None:
    (tmp_path / "ratings.dat").write_text("1::0002844::10::1365029107\n")
    (tmp_path / "movies.dat").write_text("0002844::Fant\xf4mas (1913)::Crime|Drama\n", encoding="utf-8")
    _, table, titles = made("movietweetings", tmp_path, tmp_path / "out")
    assert rows(table) == [("1", "0002844", 10, 1365029107)]
    assert titles == {"0002844": "Fant\xf4mas (1913)"}


def test_movielens_with_headers(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "x.zip",
        ratings__csv=b"userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,03,0.5,964981247\n",
        movies__csv='movieId,title,genres\n1,"Good, the Bad (1966)",A|B\n03,\xc9t\xe9 (1990),C\n'.encode(),
    )
    _, table, titles = made("ml-20m", source, tmp_path / "out")
    assert rows(table) == [("1", "1", 4.0, 964982703), ("1", "03", 0.5, 964981247)]
    assert titles == {"1": "Good, the Bad (1966)", "03": "\xc9t\xe9 (1990)"}


def test_movielens_100k_of_grouplens_and_of_recbole_are_the_same(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "ml-100k.zip",
        u__data=b"196\t242\t3\t881250949\n186\t302\t5\t891717742\n",
        u__item="242|Kolya (1996)|24-Jan-1997||http://x|0\n302|L.A. Caf\xe9 (1997)|01-Jan-1997||y|1\n".encode(
            "latin-1"
        ),
    )
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    (wheel / "ml-100k.inter").write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n186\t302\t5\t891717742\n"
    )
    (wheel / "ml-100k.item").write_text(
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        '242\tKolya\t1996\tComedy\n302\tL.A. Caf\xe9\t1997\tCrime "X"\n',
        encoding="utf-8",
    )
    for each in (source, wheel):
        _, table, titles = made("ml-100k", each, tmp_path / f"out-{each.stem}")
        assert rows(table) == [("196", "242", 3, 881250949), ("186", "302", 5, 891717742)]
        assert titles == {"242": "Kolya (1996)", "302": "L.A. Caf\xe9 (1997)"}


def test_amazon_reviews_and_ratings(tmp_path: Path) -> None:
    name = "reviews_Toys_and_Games_5.json.gz"
    lines = review("A1VX", "0439893577", 5.0, 1390953600) + review("A2", "B001", 1.0, 1361836800)
    (tmp_path / name).write_bytes(gzip.compress(lines))
    (tmp_path / "reviews_Sports_and_Outdoors_5.json").write_bytes(review("A9", "B9", 2.0, 1361836801))
    expected = [("A1VX", "0439893577", 5.0, 1390953600), ("A2", "B001", 1.0, 1361836800)]
    assert rows(made("amazon-toys", tmp_path / name, tmp_path / "a")[1]) == expected
    assert rows(made("amazon-toys", tmp_path, tmp_path / "b")[1]) == expected
    assert rows(made("amazon-sports", tmp_path, tmp_path / "c")[1]) == [("A9", "B9", 2.0, 1361836801)]
    for place, text in enumerate(
        (
            "A1VX,0439893577,5.0,1390953600\nA2,B001,1.0,1361836800\n",
            # Later editions; a product may begin with the letter of the reviewers, too.
            "AB01,A3,2.0,1390953600\n0439893577,A1VX,5.0,1390953600\nB001,A2,1.0,1361836800\n",
        )
    ):
        (tmp_path / "r.csv").write_text(text)
        _, table, titles = made("amazon-toys", tmp_path / "r.csv", tmp_path / f"d{place}")
        assert rows(table) == [*([("A3", "AB01", 2.0, 1390953600)] * place), *expected]
        assert titles is None


def test_kion_keeps_rows_without_a_percentage_for_feedbackgen_to_count(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "data_original.zip",
        interactions__csv=(
            b"user_id,item_id,last_watch_dt,total_dur,watched_pct\n176549,9506,2021-05-11,4250,72.0\n"
            b"699317,1659,2021-05-29,8317,\n"
        ),
        items__csv='item_id,content_type,title,description\n9506,film,"\u0418\u0433\u0440\u0430, 2","a\nb"\n'.encode(),
        users__csv=b"user_id\n1\n",
    )
    _, table, titles = made("kion", source, tmp_path / "out")
    assert rows(table) == [("176549", "9506", 72.0, 1620691200), ("699317", "1659", None, 1622246400)]
    assert titles == {"9506": "\u0418\u0433\u0440\u0430, 2"}


def plays(path: Path, records: list[tuple[int, int, int, int, float]]) -> Path:
    """Writes rows of user, session, second, track and seconds played, in small row groups."""
    users, sessions, seconds, tracks, durations = zip(*records, strict=True)
    zero = datetime.datetime(2023, 1, 1)
    table = pa.table(
        {
            "user_id": pa.array(users, pa.int64()),
            "session_id": pa.array(sessions, pa.int64()),
            "datetime": pa.array([zero + datetime.timedelta(seconds=each) for each in seconds], pa.timestamp("ns")),
            "track_id": pa.array(tracks, pa.int64()),
            "play_duration": pa.array(durations, pa.float32()),
        }
    )
    pq.write_table(table, path, row_group_size=3)
    return path


ZERO = 1672531200000


def test_zvuk_sums_the_plays_of_a_session(tmp_path: Path) -> None:
    mine = [(7, 1, 50, 10, 20.0), (7, 1, 9, 10, 15.0), (7, 2, 99, 10, 3.0), (7, 1, 20, 11, 40.0)]
    others = [(7, 3, 200 + each, 20 + each, 31.0) for each in range(2)]
    few = [(8, 4, 0, 10, 31.0)] * 5
    source = plays(tmp_path / "zvuk-interactions.parquet", [*few, *mine, *others])
    expected = [
        ("7", "10", 35.0, ZERO + 9_000),
        ("7", "11", 40.0, ZERO + 20_000),
        ("7", "10", 3.0, ZERO + 99_000),
        ("7", "20", 31.0, ZERO + 200_000),
        ("7", "21", 31.0, ZERO + 201_000),
    ]
    assert rows(made("zvuk", source, tmp_path / "a")[1]) == expected, "user 8 has no more than 5 plays"
    zipped = tmp_path / "zvuk.zip"
    with zipfile.ZipFile(zipped, "w") as target:
        target.write(source, source.name)
    assert rows(made("zvuk", zipped, tmp_path / "b")[1]) == expected


def test_zvuk_draws_the_same_users_whatever_the_order_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zvuk, "USERS", 4)
    monkeypatch.setattr(zvuk, "_BUCKET", 3)
    records = [(user, 1, user * 10 + each, each, 31.0) for user in range(30) for each in range(6)]
    first = rows(made("zvuk", plays(tmp_path / "a.parquet", records), tmp_path / "a")[1])
    again = rows(made("zvuk", plays(tmp_path / "b.parquet", records[::-1]), tmp_path / "b")[1])
    assert first == again
    assert first == sorted(first, key=lambda row: (int(row[0]), row[3])), "by user and time"
    assert len({user for user, *_ in first}) == 4
    assert len(first) == 24


@pytest.mark.parametrize(
    "content",
    [
        b"userId,movieId,rating,timestamp\n1,2,3.5,1100000000",
        b"\n\xef\xbb\xbfuserId,movieId,rating,timestamp\n\n1,2,3.5,1100000000\n\n"[1:],
        b"\nuserId,movieId,rating,timestamp\n1,2,3.5,1100000000\n",
        b'timestamp,"rating",userId,more,movieId\r\n1100000000,3.5,"1",x,2\r\n',
    ],
    ids=["no last line feed", "byte order mark", "empty line first", "other order, quotes, CRLF"],
)
def test_spellings_of_csv(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ratings.csv").write_bytes(content)
    _, table, _ = made("ml-20m", tmp_path / "ratings.csv", tmp_path / "out")
    assert rows(table) == [("1", "2", 3.5, 1_100_000_000)]


SMALL = """
import io, os
import pyarrow as pa
from pnfrec_data.errors import DataError
from pnfrec_data.formats import tables
def threads():
    folder = "/proc/self/task"  # of Linux
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0
# Arrow 18 keeps an idle thread of its own pool after any reading, which needs nothing of the interpreter.
list(tables.read_csv(io.BytesIO(b"a,b\\n1,2\\n"), {"a": pa.int64(), "b": pa.int64()}, "a.csv"))
before = threads()
for bad in (b"a,b\\n1,x\\n", b"a,b\\n" + b"1" * 200 + b",2\\n"):
    try:
        list(tables.read_csv(io.BytesIO(bad), {"a": pa.int64(), "b": pa.int64()}, "a.csv"))
    except DataError as error:
        print(error)
print(threads() - before)
"""


def test_parsing_leaves_no_thread_behind() -> None:
    """Not where it fails: one that still ran at the end of the process aborted or held it, now and then."""
    done = subprocess.run([sys.executable, "-c", SMALL], capture_output=True, text=True, timeout=300, check=True)
    first, second, threads = done.stdout.splitlines()
    assert first.startswith("a.csv, line 2, column b: CSV conversion error to int64: invalid value 'x'")
    assert second.startswith("a.csv, line 2, column a: CSV conversion error to int64: invalid value '111")
    assert threads == "0"


LEFT_EARLY = """
import sys, zipfile
import pyarrow as pa
from pnfrec_data.errors import DataError
from pnfrec_data.formats import tables
types = {"a": pa.int64(), "b": pa.int64()}
with zipfile.ZipFile(sys.argv[1]) as archive, archive.open("a.csv") as stream:
    try:
        list(tables.read_csv(stream, types, "a.csv"))
    except DataError as error:
        print(error)
"""


@pytest.mark.parametrize("bad", [1, 4_000_000])
def test_a_large_file_that_is_left_at_its_bad_line_ends_and_names_it(tmp_path: Path, bad: int) -> None:
    """A reader of Arrow's over our stream, left early, ended in a hang or in an abort."""
    good = b"12345,678901\n"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive_:
        archive_.writestr("a.csv", b"a,b\n" + good * (bad - 1) + b"1,x\n" + good * 4_000_000)
    command = [sys.executable, "-W", "ignore", "-c", LEFT_EARLY, str(tmp_path / "a.zip")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"a.csv, line {bad + 1}, column b: CSV conversion error to int64: invalid value 'x'")


def test_titles_that_hold_separators_and_short_rows_are_read(tmp_path: Path) -> None:
    """Publishers leave out or add what comes after the title."""
    (tmp_path / "ratings.dat").write_bytes(b"1::2::3::1000000000\n1::3::3::1000000000\n")
    (tmp_path / "movies.dat").write_bytes(b"2::A: B (1990)::C::D\n3::E\n")
    assert made("ml-1m", tmp_path, tmp_path / "a")[2] == {"2": "A: B (1990)", "3": "E"}
    (tmp_path / "ratings.csv").write_bytes(b"userId,movieId,rating,timestamp\n1,2,3,1100000000\n")
    (tmp_path / "movies.csv").write_bytes(b"movieId,title,genres\n2,A\n")
    assert made("ml-20m", tmp_path, tmp_path / "b")[2] == {"2": "A"}
