"""The readers of data with real dislikes, and of newer reviews, on small files of the published shape."""

import gzip
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pnfrec_data import registry
from pnfrec_data.formats import kuairand, vk_lsvd, yambda
from pnfrec_data.prepare import differences, prepare
from tests.pnfrec_data.made_dislikes import NOON, events, kuairand_logs, view, vk_weeks, yambda_files
from tests.pnfrec_data.sources import made


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*table.to_pydict().values(), strict=True))


def test_kuairand_takes_likes_and_long_views_and_hate_goes_before_them(tmp_path: Path) -> None:
    first = view(7, 1, 5, "l") + view(7, 2, 1, "w") + view(7, 3, 2)
    second = view(7, 4, 5, "h") + view(8, 1, 3, "lhw")
    at_random = view(7, 9, 2, "w", 1) + view(7, 8, 1, "h", 1) + view(7, 7, 1, "h", 0) + view(7, 6, 4, "", 1)
    folder = kuairand_logs(tmp_path / "KuaiRand-Pure" / "data", first, second, at_random)
    with tarfile.open(tmp_path / "KuaiRand-Pure.tar.gz", "w:gz") as archive:
        archive.add(folder.parent, "KuaiRand-Pure")
    expected = {
        # By time, and of equal times the log of the days before comes first. What was only shown is in neither.
        "ratings.parquet": [("7", "2", 1, 1), ("8", "1", 0, 3), ("7", "1", 1, 5), ("7", "4", 0, 5)],
        "explicit.parquet": [("8", "1", 0, 3), ("7", "1", 1, 5), ("7", "4", 0, 5)],
        "random.parquet": [("7", "8", 0, 1), ("7", "9", 1, 2)],
    }
    for source in (tmp_path / "KuaiRand-Pure.tar.gz", tmp_path / "KuaiRand-Pure", folder):
        out = tmp_path / f"out-{source.name}"
        done, _, titles = made("kuairand-pure", source, out)
        assert titles is None
        assert done.record["others"] == ["explicit.parquet", "random.parquet"]
        for name, found in expected.items():
            table = pq.read_table(out / name)
            assert table.schema.names == ["user", "item", "value", "timestamp"]
            assert rows(table) == [(user, item, value, NOON + 1000 * time) for user, item, value, time in found]
    (out / "random.parquet").unlink()
    assert made("kuairand-pure", folder, out)[0].made, "a file that is gone is made again"


def test_kuairand_says_what_it_counted(tmp_path: Path) -> None:
    folder = kuairand_logs(tmp_path / "in", view(7, 1, 5, "lw"), view(7, 2, 6, "lh"), view(7, 9, 2, "h", 1))
    said: list[str] = []
    prepare(registry.find("kuairand-pure"), folder, tmp_path / "out", said.append)
    assert said == [
        "2 views of the standard logs: 1 hated, 2 liked by hand, 1 watched for long. Hated and also liked or watched "
        "for long, which counts as disliked: 1.",
        "1 views of the random log, of which 0 were not shown at random (is_rand is 0) and are left out. Hated: 1.",
    ]


def test_yambda_puts_likes_and_dislikes_in_order(tmp_path: Path) -> None:
    likes, dislikes = [(2, 7, 10), (2, 8, 5), (10, 7, 0)], [(2, 9, 5), (2, 7, 400), (10, 6, 26_000_000)]
    source = yambda_files(tmp_path / "50m", likes=likes, dislikes=dislikes, undislikes=[])
    events(source / "unlikes.parquet", [(2, 7, 15)])
    expected = [
        ("2", "8", 1, 5),
        ("2", "9", 0, 5),
        ("2", "7", 1, 10),
        ("2", "7", 0, 400),
        ("10", "7", 1, 0),
        ("10", "6", 0, 26_000_000),
    ]
    assert rows(made("yambda-50m", source, tmp_path / "out")[1]) == expected, "an unlike leaves the like as it is"
    assert rows(made("yambda-50m", source / "dislikes.parquet", tmp_path / "one")[1]) == expected, "neighbours count"
    with zipfile.ZipFile(tmp_path / "50m.zip", "w") as zipped:
        for path in source.iterdir():
            zipped.write(path, f"flat/50m/{path.name}")
    assert rows(made("yambda-50m", tmp_path / "50m.zip", tmp_path / "zipped")[1]) == expected
    assert {path.name for path in tmp_path.iterdir()} == {"50m", "50m.zip", "out", "one", "zipped"}, "nothing is left"


@pytest.mark.parametrize(
    ("dislikes", "undislikes", "stay"),
    [
        ([100], [200], []),
        ([100, 300], [200], [300]),
        ([100, 150], [200], []),
        ([200], [100], [200]),
        ([100], [100], []),
        ([100], [yambda.TRAINING_END], [100]),
        ([100], [yambda.TRAINING_END - 5], []),
        ([yambda.TEST_START], [yambda.TEST_START + 5], []),
        ([100, yambda.TEST_START], [yambda.TEST_START + 5], [100]),
    ],
    ids=[
        "taken back",
        "disliked again",
        "all before",
        "none before",
        "at one time",
        "not from behind the end of training",
        "just before that end",
        "in the test day",
        "only there",
    ],
)
def test_an_undislike_takes_back_the_dislikes_before_it(
    tmp_path: Path, dislikes: list[int], undislikes: list[int], stay: list[int]
) -> None:
    source = yambda_files(
        tmp_path / "in",
        likes=[(1, 1, 0)],
        dislikes=[*((1, 5, time) for time in dislikes), (1, 6, 100), (2, 5, 100)],
        undislikes=[(1, 5, time) for time in undislikes],
    )
    found = rows(made("yambda-50m", source, tmp_path / "out")[1])
    assert [time for user, item, value, time in found if (user, item, value) == ("1", "5", 0)] == stay
    others = [row for row in found if row[:2] != ("1", "5")]
    assert others == [("1", "1", 1, 0), ("1", "6", 0, 100), ("2", "5", 0, 100)], "of other tracks and users all stay"


def test_vk_lsvd_is_ordered_by_week_and_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vk_lsvd, "_BATCH", 2)
    nothing = (1, 2, False, False)
    source = vk_weeks(
        tmp_path / "ur0.01",
        week_0=[nothing, (4, 40, True, False), (3, 30, False, True)],
        week_10=[(3, 31, True, True)],
        week_26=[nothing, (3, 32, True, False)],
    )
    said: list[str] = []
    prepare(registry.find("vk-lsvd"), source, tmp_path / "out", said.append)
    assert rows(pq.read_table(tmp_path / "out" / "ratings.parquet")) == [
        ("4", "40", 1, 1),
        ("3", "30", 0, 2),
        ("3", "31", 0, 100_000_000_000),
        ("3", "32", 1, 260_000_000_001),
    ]
    assert said == [
        "6 views of 27 weeks: 2 likes, 2 dislikes (1 of them also liked, which counts as disliked). The others say "
        "neither and are left out.",
        f"Without a row: {', '.join(each for each in vk_lsvd.WEEKS if each[5:7] not in {'00', '10', '26'})}. "
        "Get them anew.",
    ]


def test_amazon_2023_has_milliseconds_and_repeated_pairs(tmp_path: Path) -> None:
    content = (
        "user_id,parent_asin,rating,timestamp\nAGK,B081,4.0,1588615855070\nAGK,B081,1.0,1588615855071\nB1,B2,5.0,"
        "1600000000000\n"
    )
    path = tmp_path / "Video_Games.csv.gz"
    path.write_bytes(gzip.compress(content.encode()))
    done, table, titles = made("amazon-games-2023", path, tmp_path / "out")
    assert rows(table) == [
        ("AGK", "B081", 4.0, 1588615855070),
        ("AGK", "B081", 1.0, 1588615855071),
        ("B1", "B2", 5.0, 1600000000000),
    ]
    assert titles is None
    assert differences(registry.find("amazon-games-2023"), done.record)[0] == (
        "3 rows, published are 814,600 (rounded to 100)."
    )


@pytest.mark.parametrize(("rows_", "differs"), [(814_550, False), (814_650, False), (814_549, True), (814_651, True)])
def test_rounded_counts_are_compared_as_far_as_they_go(rows_: int, differs: bool) -> None:
    found = differences(registry.find("amazon-games-2023"), {"rows": rows_, "users": 94_800, "items": 25_600})
    assert bool(found) == differs


def test_films_that_nobody_rated_are_not_counted_of_movielens_32m(tmp_path: Path) -> None:
    record = {"rows": 32_000_204, "users": 200_948, "items": 5}
    assert differences(registry.find("ml-32m"), record) == []
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,17,4.0,944249077\n")
    assert rows(made("ml-32m", tmp_path / "ratings.csv", tmp_path / "out")[1]) == [("1", "17", 4.0, 944249077)]


def test_the_readers_and_the_registry_name_the_same_files() -> None:
    pure, weeks = registry.find("kuairand-pure"), registry.find("vk-lsvd")
    assert pure.parts == (*kuairand.STANDARD_LOGS, kuairand.RANDOM_LOG)
    assert pure.others == (kuairand.EXPLICIT, kuairand.RANDOM)
    assert weeks.parts == vk_lsvd.WEEKS
