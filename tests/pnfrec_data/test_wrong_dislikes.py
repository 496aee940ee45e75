"""What the readers of data with real dislikes say of files that are not as published: file, column and remedy."""

import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pnfrec_data.errors import DataError
from tests.pnfrec_data.made_dislikes import HEADER, kuairand_logs, view, vk_weeks, week, yambda_files
from tests.pnfrec_data.sources import made


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            view(7, 2, 1).replace("1650513601000", "1650513601"),
            r"4_21_pure.csv, row 2, column time_ms: expected milliseconds since 1970. Received 1650513601. Correct",
        ),
        (view(7, 2, 1, "l").replace(",1,1,0", ",1,2,0"), r"row 2, column is_like: expected 0 or 1. Received 2"),
        (
            "7,2,20220421,400,1650513601000,1,0,0,0,0,,1,900,9000,0,0,0,0,1\n",
            r"row 2, column is_hate: .* Received None",
        ),
        ("7,2,20220421\n", r"log_standard_4_08_to_4_21_pure.csv, line 3: Expected 19 columns, got 3"),
    ],
)
def test_kuairand_names_file_row_and_column(tmp_path: Path, bad: str, message: str) -> None:
    folder = kuairand_logs(tmp_path / "in", view(7, 1, 0, "l") + bad, view(7, 2, 6, "lh"), view(7, 9, 2, "h", 1))
    with pytest.raises(DataError, match=message):
        made("kuairand-pure", folder, tmp_path / "out")
    assert list((tmp_path / "out").glob("*")) == []


def test_kuairand_needs_all_its_logs_and_their_columns(tmp_path: Path) -> None:
    folder = kuairand_logs(tmp_path / "in", view(7, 1, 0, "l"), view(7, 2, 6, "l"), view(7, 9, 2, "h", 1))
    log = folder / "log_random_4_22_to_5_08_pure.csv"
    log.write_text(HEADER + view(7, 9, 2, "h", 0))
    with pytest.raises(DataError, match=r"has no row for random.parquet"):
        made("kuairand-pure", folder, tmp_path / "out")
    log.write_text(HEADER.replace("is_rand", "rand") + view(7, 9, 2, "h", 1))
    with pytest.raises(DataError, match=r"log_random_4_22_to_5_08_pure.csv: has no column is_rand"):
        made("kuairand-pure", folder, tmp_path / "out")
    log.unlink()
    with pytest.raises(DataError, match=r"expected log_random_4_22_to_5_08_pure.csv in it. Found: log_standard_4_08"):
        made("kuairand-pure", folder, tmp_path / "out")
    assert list((tmp_path / "out").glob("*")) == []


def test_an_archive_that_was_cut_off_is_named(tmp_path: Path) -> None:
    folder = kuairand_logs(tmp_path / "in", view(7, 1, 0, "l") * 9000, view(7, 2, 6, "l"), view(7, 9, 2, "h", 1))
    whole = tmp_path / "whole.tar.gz"
    with tarfile.open(whole, "w:gz") as archive:
        archive.add(folder, "KuaiRand-Pure/data")
    cut = tmp_path / "KuaiRand-Pure.tar.gz"
    cut.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"KuaiRand-Pure.tar.gz: not a whole tar file"):
        made("kuairand-pure", cut, tmp_path / "out")


def test_yambda_refuses_times_that_are_no_offsets(tmp_path: Path) -> None:
    folder = yambda_files(tmp_path / "in", likes=[(1, 1, 5)], dislikes=[(1, 2, 5), (1, 3, 1_700_000_000)])
    message = (
        r"dislikes.parquet, row 2, column timestamp: expected seconds from the start of the data, from 0 to "
        r"26,000,000. Received 1700000000"
    )
    with pytest.raises(DataError, match=message):
        made("yambda-50m", folder, tmp_path / "out")


def test_yambda_refuses_other_columns_types_and_several_sizes(tmp_path: Path) -> None:
    folder = yambda_files(tmp_path / "flat" / "50m")
    likes = folder / "likes.parquet"
    pq.write_table(pa.table({"uid": [1], "item_id": [1]}), likes)
    with pytest.raises(DataError, match=r"likes.parquet: no column timestamp. Found: uid, item_id"):
        made("yambda-50m", folder, tmp_path / "out")
    pq.write_table(pa.table({"uid": ["a"], "item_id": [1], "timestamp": [1]}), likes)
    with pytest.raises(DataError, match=r"likes.parquet, column uid: expected whole numbers. Received string"):
        made("yambda-50m", folder, tmp_path / "out")
    pq.write_table(
        pa.table({"uid": [1], "item_id": [None], "timestamp": [1]}).cast(
            pa.schema({"uid": pa.int64(), "item_id": pa.int64(), "timestamp": pa.int64()})
        ),
        likes,
    )
    with pytest.raises(DataError, match=r"likes.parquet, row 1, column item_id: .* Received None"):
        made("yambda-50m", folder, tmp_path / "out")
    yambda_files(tmp_path / "flat" / "500m")
    with pytest.raises(DataError, match=r"flat: holds 2 files called likes.parquet: .*500m.*, .*50m.* Name the folder"):
        made("yambda-50m", tmp_path / "flat", tmp_path / "out")
    (yambda_files(folder, likes=[(1, 1, 5)]) / "undislikes.parquet").unlink()
    with pytest.raises(DataError, match=r"expected undislikes.parquet in it. Found: dislikes"):
        made("yambda-50m", folder, tmp_path / "out")


def test_vk_lsvd_needs_every_week(tmp_path: Path) -> None:
    source = vk_weeks(tmp_path / "in", week_3=[(1, 2, True, False)])
    numbers = pa.table({"user_id": [1], "item_id": [1], "like": [2], "dislike": [0]})
    pq.write_table(numbers, source / "train" / "week_04.parquet")
    with pytest.raises(DataError, match=r"week_04.parquet, row 1, column like: expected 0 or 1. Received 2"):
        made("vk-lsvd", source, tmp_path / "out")
    week(source / "train" / "week_04.parquet", [])
    week(source / "copy" / "week_05.parquet", [])
    with pytest.raises(DataError, match=r"holds 2 files called week_05.parquet"):
        made("vk-lsvd", source, tmp_path / "out")
    (source / "copy" / "week_05.parquet").unlink()
    (source / "train" / "week_07.parquet").unlink()
    with pytest.raises(DataError, match=r"expected week_07.parquet in it. Found: week_00.parquet"):
        made("vk-lsvd", source, tmp_path / "out")
    assert list((tmp_path / "out").glob("*")) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "A,B,4.0,1588615855",
            r"r.csv, row 2, column timestamp: expected milliseconds .* Received 1588615855",
        ),
        ("A,B,6,1588615855070", r"r.csv, row 2, column rating: expected stars from 1 to 5. Received 6"),
        ("A,B,,1588615855070", r"r.csv, row 2, column rating: expected stars from 1 to 5. Received None"),
        ("A,B,4.0,now", r"r.csv, line 3, column timestamp: .*'now'"),
    ],
)
def test_amazon_2023_names_row_and_column(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"user_id,parent_asin,rating,timestamp\nA,A,4.0,1588615855070\n{row}\n")
    with pytest.raises(DataError, match=message):
        made("amazon-games-2023", path, tmp_path / "out")


def test_amazon_of_2014_is_no_amazon_2023(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("A1VX,0439893577,5.0,1390953600\n")
    with pytest.raises(DataError, match=r"r.csv: has no column user_id, parent_asin, rating, timestamp"):
        made("amazon-games-2023", path, tmp_path / "out")
