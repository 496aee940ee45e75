"""Lists for all users at once are those that a server gives to each."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.tensorflow

ITEMS, LENGTH, K = 30, 4, 7
IDS = [f"0{number}" if number % 2 else f"é{number}" for number in range(1, ITEMS + 1)]
GROUPS = {item: f"g{place % 2}" for place, item in enumerate(IDS)}

History = tuple[list[str], list[str], list[int]]


def histories_of(seed: int, users: int) -> list[History]:
    """Likes, dislikes and their order: of lengths from 1 to longer than the model reads, some ids unknown."""
    generator = np.random.default_rng(seed)
    rows: list[History] = []
    for _ in range(users):
        flags = generator.integers(0, 2, generator.integers(1, 12)).tolist()
        ids = [str(each) for each in generator.choice([*IDS, "nobody"], len(flags))]
        liked = [item for item, flag in zip(ids, flags, strict=True) if flag]
        disliked = [item for item, flag in zip(ids, flags, strict=True) if not flag]
        rows.append((liked, disliked, flags))
    return rows


@pytest.fixture(scope="module", params=["PNFRec", "SASRec"])
def export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    keras.utils.set_random_seed(5)
    counts = np.arange(ITEMS, 0, -1) + ITEMS
    vocabulary = Vocabulary(IDS, counts, np.roll(np.arange(ITEMS, 0, -1), 3), groups=GROUPS)
    path = tmp_path_factory.mktemp("export") / "7"
    model = PNFRec(ITEMS, max_length=LENGTH, dim=8, k=10, variant=request.param)
    rule: dict[str, Any] = {"rule": "like_odds", "gamma": 0.7} if request.param == "PNFRec" else {}
    export_saved_model(model, vocabulary, path, **rule)
    return path


SHARDS = [histories_of(seed, users) for seed, users in ((1, 40), (2, 0), (3, 25))]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    from tests.pnfrec_keras.writing import training_example, write_records

    folder, paths = tmp_path_factory.mktemp("shards"), []
    for number, rows in enumerate(SHARDS):
        records = [
            training_example(f"ü{number}-{user}", liked, disliked, flags)
            for user, (liked, disliked, flags) in enumerate(rows)
        ]
        paths.append(folder / f"{number}.gz")
        write_records(paths[-1], records)
    return paths


def asked(export: Path, history: History, most: int = 0) -> tuple[list[str], list[float], bool]:
    """What the model answers one user alone."""
    from tests.pnfrec_keras.export.asking import call, loaded

    def grid(ids: list[str]) -> Any:
        return np.array([ids], object).reshape(1, len(ids))

    liked, disliked, flags = history
    likes, dislikes = iter(liked), iter(disliked)
    merged = [next(likes) if flag else next(dislikes) for flag in flags]
    tells = "with_negatives" in loaded(export).signatures
    inputs = {
        "positive_item_ids": grid(liked if tells else merged),
        "negative_item_ids": grid(disliked if tells else []),
        "exclude_item_ids": grid([]),
        "allow_item_ids": grid([]),
        "k": np.array([K], np.int32),
        "max_per_group": np.array([most], np.int32),
        "gamma": np.array([np.nan], np.float32),
    }
    found = call(export, "recommend", inputs)
    count = int(found["count"][0])
    items = [item.decode() for item in found["item_ids"][0][:count]]
    return items, found["scores"][0][:count].tolist(), bool(found["fallback"][0])


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    with path.open(encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines))
    kinds: dict[str, Any] = {"rank": int, "score": float, "fallback": lambda text: text == "true", "version": int}
    return [{name: kinds.get(name, str)(value) for name, value in row.items()} for row in found]


@pytest.mark.parametrize(("file_format", "most"), [("parquet", 0), ("csv", 1)])
def test_each_user_gets_the_list_of_a_query(
    export: Path, shards: list[Path], tmp_path: Path, file_format: str, most: int
) -> None:
    from serving.bulk.job import Job, write_lists

    said: list[str] = []
    found = write_lists(Job(shards, tmp_path, export, 7, K, file_format, most), said.append)
    rows = [row for number in range(3) for row in rows_of(tmp_path / f"part-{number:05d}.{file_format}")]
    assert {row["version"] for row in rows} == {7}
    expected_rows = fallbacks = 0
    for number, histories in enumerate(SHARDS):
        for user, history in enumerate(histories):
            items, scores, fallback = asked(export, history, most)
            mine = [row for row in rows if row["user"] == f"ü{number}-{user}"]
            assert [row["item"] for row in mine] == items
            assert [row["rank"] for row in mine] == list(range(1, len(items) + 1))
            assert [row["score"] for row in mine] == pytest.approx(scores, rel=1e-5, abs=1e-6)
            assert {row["fallback"] for row in mine} == {fallback}
            expected_rows, fallbacks = expected_rows + len(items), fallbacks + fallback
    unknown = sum(item == "nobody" for shard in SHARDS for history in shard for item in [*history[0], *history[1]])
    assert found["users"] == 65
    assert (found["rows"], found["fallback"], found["unknown_items"]) == (expected_rows, fallbacks, unknown)
    assert said[-1].startswith("3 of 3 parts, 65 users")


def test_a_job_that_was_cut_off_goes_on(
    export: Path, shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.bulk import job as jobs

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    complete = jobs.Job(shards, whole, export, 7, K)
    expected = jobs.write_lists(complete, lambda _: None)
    job, original = dataclasses.replace(complete, output=parts), jobs._write_table

    def fail(job: Any, histories: Any, lists: Any, path: Path) -> None:
        original(job, histories, lists, path)
        if "00002" in path.name:
            msg = "the disk is full"
            raise OSError(msg)

    monkeypatch.setattr(jobs, "_write_table", fail)
    with pytest.raises(OSError, match="the disk is full"):
        jobs.write_lists(job, lambda _: None)
    assert not job.part(2).exists(), "half a part would be taken for a whole one"
    monkeypatch.setattr(jobs, "_write_table", original)
    found = jobs.write_lists(job, lambda _: None)
    assert found == {**expected, "parts_kept": 2}
    for number in range(3):
        assert job.part(number).read_bytes() == complete.part(number).read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ('{"users": 4', "Expecting"),
        ('{"users": 4}', "'fallback' is missing"),
        ("[]", "list indices"),
    ],
)
def test_a_part_whose_counts_are_damaged_is_written_anew(
    export: Path, shards: list[Path], tmp_path: Path, text: str, said: str
) -> None:
    from serving.bulk import job as jobs

    job = jobs.Job(shards, tmp_path, export, 7, K)
    expected = jobs.write_lists(job, lambda _: None)
    before = job.part(0).read_bytes()
    damaged = tmp_path / "_part-00000.json"
    damaged.write_text(text)
    job.part(0).write_bytes(b"half of it")
    told: list[str] = []
    assert jobs.write_lists(job, told.append) == {**expected, "parts_kept": 2}
    assert told[0].startswith(f"{damaged} is damaged ({said}")
    assert told[0].endswith("): that part is written anew.")
    assert job.part(0).read_bytes() == before


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    from serving.bulk.histories import read_histories

    (tmp_path / "x.gz").write_bytes(b"no records")
    with pytest.raises(ValueError, match=r"x\.gz cannot be read as training examples"):
        read_histories(tmp_path / "x.gz")


def test_batches_hold_few_ids_where_histories_are_long() -> None:
    from serving.bulk.ranking import _batches

    lengths = np.sort(np.random.default_rng(0).integers(0, 3000, 5000))
    lengths[-1] = 10**9
    batches = _batches(lengths)
    assert [batch.start for batch in batches] == [0, *(batch.stop for batch in batches[:-1])]
    assert batches[-1].stop == len(lengths)
    for batch in batches:
        count = batch.stop - batch.start
        assert 1 <= count <= 128
        assert count == 1 or count * lengths[batch.stop - 1] <= 1 << 18
    assert len(batches) < 120
