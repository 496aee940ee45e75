"""What each reader says of files that are not as published."""

import gzip
import zipfile
from pathlib import Path

import pytest

from pnfrec_data.errors import DataError
from tests.pnfrec_data.sources import archive, made, review


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        (
            "ml-1m",
            "ratings.dat",
            b"1::2::3::4\n1::2::3\n",
            r"ratings.dat, line 2: expected 4 fields between '::'. Received 3: '1::2::3'. Correct the row, or get",
        ),
        (
            "movietweetings",
            "ratings.dat",
            b"1::2::3::4::5\n",
            r"ratings.dat, line 1: expected 4 fields between '::'. Received 5: '1::2::3::4::5'",
        ),
        ("ml-100k", "u.data", b"1\t2\t3\t4\t5\n", r"u.data, line 1: expected 4 fields between '\\t'. Received 5"),
        (
            "ml-1m",
            "ratings.dat",
            b"1::2::3::4\n1::2::x::4\n",
            r"ratings.dat, row 2, column value: expected a whole number from -128 to 127. Received 'x', in the row "
            r"\['1', '2', 'x', '4'\]. Correct the row, or get the file anew. `pnfrec data fetch ml-1m` downloads it.$",
        ),
        ("ml-1m", "ratings.dat", b"1::2::300::4\n", r"row 1, column value: expected .* 127. Received '300'"),
        (
            "ml-1m",
            "ratings.dat",
            b"1::2::3::4\n1::2::3::4.5\n1::2::x::4\n",
            r"row 2, column timestamp: expected a whole number. Received '4.5', in",
        ),
        ("ml-1m", "ratings.dat", b"", r"ratings.dat: has no row"),
        ("ml-20m", "ratings.csv", b"userId,movieId,rating\n1,2,3\n", r"ratings.csv: .*timestamp"),
        (
            "ml-20m",
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n1,2,x,4\n",
            r"ratings.csv, line 2, column rating: .*'x'.* Correct the row, or get the file anew. `pnfrec data",
        ),
        (
            "ml-20m",
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n1,2,3,4\n1,2,3,4.5\n",
            r"ratings.csv, line 3, column timestamp: .*'4.5'",
        ),
        (
            "ml-20m",
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n1,2,3,4,5\n",
            r"line 2: Expected 4 columns, got 5",
        ),
        (
            "ml-20m",
            "ratings.csv",
            b"userId,movieId,rating,timestamp\n1,2,3,4\n\n1,2,3\n",
            r"ratings.csv, line 4: Expected 4",
        ),
        ("ml-20m", "ratings.csv", b"", r"ratings.csv: has no column userId, movieId, rating, timestamp"),
        ("ml-20m", "ratings.csv", b"userId,movieId\r1,2\r", r"ratings.csv, line 1: no header \(new-line"),
        ("ml-20m", "ratings.csv", "userId,movieId\n1,2\n".encode("utf-16"), r"ratings.csv, line 1: no header \(.*NUL"),
        ("amazon-toys", "r.json", b'{"asin": "B1"}\n', r"r.json, line 1: expected a JSON object with reviewerID"),
        (
            "amazon-toys",
            "r.json",
            review("A1", "B1", 5.0, 1) + b'{"reviewerID": 1, "asin": 2, "overall": null, "unixReviewTime": 3}',
            r"r.json, line 2: expected a JSON object with reviewerID, .*, texts and numbers. Received: .*null",
        ),
        (
            "amazon-toys",
            "r.csv",
            b"A1,B1,5.0,1300000000\nA1,B2\n",
            r"r.csv, line 2: expected 4 fields \(user, item, rating, seconds\), without a header. "
            r"Received 2: 'A1, B2'. Correct the row, or get the file anew. "
            r"`pnfrec data fetch amazon-toys` downloads it.$",
        ),
        ("amazon-toys", "r.csv", b"user,item\nA1,B1,5.0,1\n", r"r.csv, line 1: expected 4 .* Received 2: 'user, item'"),
        ("amazon-toys", "r.csv", b"A1\n", r"r.csv, line 1: expected 4 fields .* Received 1: 'A1'"),
        ("amazon-toys", "r.csv", b"A1,B1,5.0,1\n\nA1,B1,5.0,1,9\n", r"r.csv, line 3: expected 4 .* Received 5: 'A1"),
        ("amazon-toys", "r.csv", b"A1,B1,5.0,now\n", r"r.csv, row 1, column timestamp: expected .* Received 'now'"),
        ("amazon-toys", "r.csv", b"A1,B1,5.0,1\nA1,\xe9,5.0,1\n", r"r.csv, after line 0: not utf-8 text"),
        ("amazon-toys", "r.csv", b'A1,B1,5.0,1\nA1,"' + b"9" * 140_000, r"r.csv, line 2: no CSV \(field larger than"),
        ("zvuk", "z.parquet", b"PAR1 is not enough", r"z.parquet: not a readable Parquet file"),
        (
            "amazon-toys",
            "r.json.gz",
            gzip.compress(review("A", "B", 1.0, 1), mtime=0)[:-9],
            r"r.json.gz: cannot be read",
        ),
        ("ml-1m", "ml-1m.zip", b"PK\x03\x04 and no more", r"ml-1m.zip: not a whole zip file"),
        (
            "ml-1m",
            "ml-1m.ZIP",
            b"1::2::3::4\n",
            r"ml-1m.ZIP: is no zip archive: expected it to begin with b'PK\\x03\\x04'. "
            r"Received b'1::2::3::4\\n'. If it is one of the files ratings.dat, movies.dat, "
            r"give it that name; else get the archive anew. "
            r"`pnfrec data fetch ml-1m` downloads it.$",
        ),
        ("ml-1m", "ml-1m.zip", b"", r"ml-1m.zip: is no zip archive: .* Received b''"),
        ("ml-1m", "ml-1m.zip", b"PK\x05\x06" + bytes(18), r"ml-1m.zip: expected ratings.dat in it. Found: nothing"),
    ],
)
def test_a_wrong_file_is_named_and_leaves_nothing(
    tmp_path: Path, name: str, file: str, content: bytes, message: str
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=message):
        made(name, tmp_path / file, tmp_path / "out")
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize(
    ("name", "ratings", "titles", "message"),
    [
        (
            "ml-20m",
            "ratings.csv",
            b"movieId,genres\n2,A\n",
            r"movies.csv: has no column title. .* Found: movieId, genres",
        ),
        (
            "ml-20m",
            "ratings.csv",
            b"movieId,title,genres\n2,Good, the Bad,A\n",
            r"movies.csv, line 2: expected 3 fields \(movieId, title, genres\). Received 4: '2, Good,  the Bad, A'",
        ),
        ("ml-20m", "ratings.csv", b"movieId,title,genres\n\n2\n", r"movies.csv, line 3: expected 3 .* Received 1: '2'"),
        ("ml-20m", "ratings.csv", b"movieId,title,genres\n2,\xe9,A\n", r"movies.csv, after line 0: not utf-8 text"),
        ("ml-1m", "ratings.dat", b"2::A::B\n3\n", r"movies.dat, line 2: expected at least 2 fields .* Received 1: '3'"),
    ],
)
def test_a_wrong_table_of_titles_is_named_and_leaves_nothing(
    tmp_path: Path, name: str, ratings: str, titles: bytes, message: str
) -> None:
    csv = b"userId,movieId,rating,timestamp\n1,2,3,1100000000\n"
    rows_ = b"1::2::3::1000000000\n" if ratings == "ratings.dat" else csv
    (tmp_path / ratings).write_bytes(rows_)
    (tmp_path / ratings.replace("ratings", "movies")).write_bytes(titles)
    with pytest.raises(DataError, match=message):
        made(name, tmp_path, tmp_path / "out")
    assert list((tmp_path / "out").glob("*")) == []


def test_a_source_without_the_file_says_what_it_has(tmp_path: Path) -> None:
    source = archive(tmp_path / "other.zip", ratings__csv=b"x\n")
    with pytest.raises(DataError, match=r"other.zip: expected ratings.dat in it. Found: ratings.csv"):
        made("ml-1m", source, tmp_path / "out")
    with pytest.raises(DataError, match="there is no such file or folder"):
        made("ml-1m", tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("name", ["ratings.csv", "movies.csv"])
def test_a_source_of_two_data_sets_is_not_chosen_from(tmp_path: Path, name: str) -> None:
    csv = b"userId,movieId,rating,timestamp\n1,2,3,1100000000\n"
    files = {"ratings.csv": csv, "movies.csv": b"movieId,title\n2,A\n"}
    inside = [(f"{folder}/{file}", content) for folder in ("ml-20m", "ml-32m") for file, content in files.items()]
    other = "movies.csv" if name == "ratings.csv" else "ratings.csv"
    inside = [(path, content) for path, content in inside if path != f"ml-32m/{other}"]
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as both:
        for path, content in inside:
            both.writestr(path, content)
            (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / path).write_bytes(content)
    for source in (tmp_path / "both.zip", tmp_path / "in"):
        with pytest.raises(DataError, match=f"holds 2 files called {name}: .*Name the folder that holds the one"):
            made("ml-20m", source, tmp_path / "out")
    assert made("ml-20m", tmp_path / "in" / "ml-20m", tmp_path / "out")[0].record["rows"] == 1


def test_a_column_that_stands_twice_is_not_chosen_from(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_bytes(b"userId,movieId,rating,timestamp,rating\n1,2,3,4,5\n")
    with pytest.raises(DataError, match=r"ratings.csv: the column rating stands 2 times in its first line"):
        made("ml-20m", tmp_path / "ratings.csv", tmp_path / "out")
