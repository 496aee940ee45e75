"""The Beam pipeline as a whole: against the reference, on the shipped data, on several workers, and how it stops."""

import dataclasses
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.feedback import run as run_module
from components.feedback.config import ColumnsConfig, FeedbackConfig, TitlesConfig
from components.feedback.errors import FeedbackError
from components.feedback.run import LOCAL_BEAM_ARGS, generate, run
from components.feedback.writing.account import NAMESPACE
from components.feedback.writing.output import Folders
from components.feedback.writing.summary import format_summary
from tests.components.feedback import reference, support
from tests.components.feedback.reference import Row

DATA = Path(__file__).parents[3] / "data" / "movietweetings"


def some_rows(size: int = 600, seed: int = 0) -> list[Row]:
    generator = random.Random(seed)
    return [
        Row(
            f"ü{generator.randrange(30):02d}",
            f"{int(generator.paretovariate(0.7)) % 40:03d}",
            generator.choice([1.0, 2.5, 3.0, 4.0, 5.0]),
            1_000_000 + generator.randrange(300),
            generator.choice(["train"] * 6 + ["validation", "test"]),
            order,
        )
        for order in range(size)
    ]


def assert_equals_reference(folder: Path, statistics: dict[str, Any], rows: list[Row], config: FeedbackConfig) -> None:
    expected = reference.run(rows, config)
    assert support.all_examples(folder) == expected.examples
    assert support.vocabulary(folder) == expected.vocabulary
    assert {name: n for name, n in statistics["rows"]["dropped"].items() if n} == dict(+expected.dropped)
    assert statistics["rows"]["kept"] == expected.kept
    assert statistics["split"]["time"] == expected.time
    assert statistics["positive"]["threshold"] == expected.threshold
    assert all(expected.examples.values())


@pytest.mark.parametrize(
    "settings",
    [
        {"split": "global_time", "positive": "median", "duplicates": "all", "targets": "successive"},
        {
            "split": "global_time",
            "positive": 4.0,
            "duplicates": "last",
            "min_heldout_positives": 1,
            "test_quantile": 0.7,
            "recent_days": 0.0005,  # 43 seconds
        },
        {"split": "leave_one_out", "positive": "user_median", "duplicates": "first"},
        {
            "split": "column",
            "positive": "median",
            "duplicates": "first",
            "targets": "successive",
            "max_leaked_targets": 1.0,
        },
    ],
    ids=lambda settings: settings["split"],
)
def test_beam_equals_the_reference(tmp_path: Path, settings: dict[str, Any]) -> None:
    rows = some_rows()
    support.write_parquet(tmp_path / "a.parquet", rows[:400], row_group=90)
    support.write_csv(tmp_path / "b.csv", rows[400:])
    config = FeedbackConfig(files=["*.parquet", "b.csv"], base=str(tmp_path), shards=3, **settings)
    statistics = generate(config, tmp_path / "output", batch_rows=50)
    assert_equals_reference(tmp_path / "output", statistics, rows, config)
    files = sorted(path.relative_to(tmp_path / "output") for path in (tmp_path / "output").rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        *(
            f"Split-{split}/data_tfrecord-0000{n}-of-00003.gz"
            for split in ("test", "train", "validation")
            for n in range(3)
        ),
        "statistics/statistics.json",
        "statistics/summary.txt",
        "vocabulary/items.jsonl",
    ]
    written = tmp_path / "output" / "statistics"
    assert json.loads((written / "statistics.json").read_text()) == statistics
    assert (written / "summary.txt").read_text() == format_summary(statistics)


def test_several_processes_write_the_same(tmp_path: Path) -> None:
    rows = some_rows()
    for index in range(4):
        support.write_csv(tmp_path / f"{index}.csv", rows[index * 150 : (index + 1) * 150])
    config = FeedbackConfig(files=["*.csv"], base=str(tmp_path), shards=4)
    one = generate(config, tmp_path / "one")
    two = generate(config, tmp_path / "two", support.MULTI_PROCESSING)
    assert one == two
    files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 15
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_an_error_of_another_process_comes_out_clean(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,item,value,timestamp\nu,i,1,2\nu,i,x,2\n")
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[str(path)]), tmp_path / "output", support.MULTI_PROCESSING)
    assert str(caught.value) == (
        f"{path}, line 3, column 'value': expected a finite number, found 'x'. Correct the row, or set "
        "`feedback.bad_rows: drop`."
    )
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.fixture(scope="module")
def movietweetings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Any]:
    """(folder, statistics, Beam's result) of the shipped data at threshold 8."""
    folder = tmp_path_factory.mktemp("movietweetings")
    config = FeedbackConfig(files=["ratings.parquet"], base=str(DATA), positive=8.0, titles=TitlesConfig("movies.csv"))
    folders = Folders(str(folder), str(folder / "vocabulary"), str(folder / "statistics"))
    result = run(config, folders, lambda: beam.Pipeline(options=PipelineOptions(list(LOCAL_BEAM_ARGS))))
    return folder, json.loads((folder / "statistics" / "statistics.json").read_text()), result


def test_shipped_data() -> None:
    table = pq.read_table(DATA / "ratings.parquet")
    assert table.slice(0, 3).to_pylist() == [
        {"user": "1", "item": "1074638", "value": 7, "timestamp": 1365029107},
        {"user": "1", "item": "1853728", "value": 8, "timestamp": 1366576639},
        {"user": "2", "item": "0104257", "value": 8, "timestamp": 1364690142},
    ]
    assert [len(set(table.column(name).to_pylist())) for name in ("user", "item")] == [16_554, 10_506]
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 2 << 20


def test_facts_of_movietweetings(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    """The numbers that the design gives for threshold 8."""
    _, statistics, _ = movietweetings
    assert statistics["rows"]["read"] == 100_000
    assert statistics["filtered_rows"] == 69_299
    assert statistics["users"] == {
        "read": 16_554,
        "filtered": 4_373,
        "training": 4_298,
        "heldout": 2_074,
        "heldout_with_enough_positives": 1_810,
    }
    assert statistics["items"] == {"read": 10_506, "filtered": 2_721, "catalogue": 2_707}
    assert statistics["split"] == {
        "rule": "global_time",
        "time": 1376602288,
        "time_unit": "seconds",
        "date": "2013-08-15 21:31:28 UTC",
    }
    assert statistics["training_rows"] == 62_368
    assert statistics["examples"]["train"] == {"all": 3_810}
    assert sum(statistics["rows"]["kept"]["train"].values()) == 58_988
    accounted = sum(statistics["rows"]["dropped"].values())
    accounted += sum(sum(part.values()) for part in statistics["rows"]["kept"].values())
    assert accounted == 100_000


def test_movietweetings_equals_the_reference(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    folder, statistics, _ = movietweetings
    table = pq.read_table(DATA / "ratings.parquet").to_pydict()
    columns = zip(table["user"], table["item"], table["value"], table["timestamp"], strict=True)
    rows = [Row(user, item, value, time, "train", n) for n, (user, item, value, time) in enumerate(columns)]
    expected = reference.run(rows, FeedbackConfig(files=["-"], positive=8.0))
    assert support.all_examples(folder) == expected.examples
    vocabulary = support.vocabulary(folder)
    titles = {entry["item_id"]: entry.pop("title") for entry in vocabulary}
    assert vocabulary == expected.vocabulary
    assert titles["0110912"] == "Pulp Fiction (1994)"
    assert {name: n for name, n in statistics["rows"]["dropped"].items() if n} == dict(+expected.dropped)


def test_margins_of_movietweetings(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    """Whole ratings and a threshold of 8: the boundary lies at 7.5."""
    found: dict[int, set[float]] = {0: set(), 1: set()}
    for example in support.read_examples(movietweetings[0], "train"):
        for is_positive, margin in zip(example["history_is_positive"], example["history_margins"], strict=True):
            found[is_positive].add(margin)
    assert found == {1: {0.5, 1.5, 2.5}, 0: {0.5 + n for n in range(8)}}


@pytest.mark.parametrize("unit", ["s", "ms", "us", "timestamp", "date"])
def test_days_count_from_1970_whatever_the_unit(tmp_path: Path, unit: str) -> None:
    start = 15_840 * 86_400
    seconds = [start + 86_400 * n + (0 if unit == "date" else 21_600) for n in range(len(MANY))]
    times = {
        "s": pa.array(seconds),
        "ms": pa.array([1_000 * second for second in seconds]),
        "us": pa.array([1_000_000 * second for second in seconds]),
        "timestamp": pa.array([1_000 * second for second in seconds], pa.timestamp("ms")),
        "date": pa.array([second // 86_400 for second in seconds], pa.date32()),
    }
    rows = support.table(MANY).drop(["timestamp"]).append_column("timestamp", times[unit])
    pq.write_table(rows, tmp_path / "rows.parquet")
    config = FeedbackConfig(files=[str(tmp_path / "rows.parquet")], positive=1.0, test_quantile=0.9, **NO_FILTER)
    generate(config, tmp_path / "output")
    days = {day for each in support.read_examples(tmp_path / "output", "train") for day in each["history_days"]}
    expected = [second / 86_400 for second in seconds]
    assert days <= set(expected), "quarters of a day are exact in float32 so far from 1970"
    assert min(days) == expected[0]


def test_counters_say_what_the_statistics_say(movietweetings: tuple[Path, dict[str, Any], Any]) -> None:
    _, statistics, result = movietweetings
    query = beam.metrics.MetricsFilter().with_namespace(NAMESPACE)
    counters = {counter.key.metric.name: counter.result for counter in result.metrics().query(query)["counters"]}
    expected = {"rows_read": 100_000}
    expected |= {f"dropped_{name}": number for name, number in statistics["rows"]["dropped"].items() if number}
    for split, part in statistics["rows"]["kept"].items():
        expected |= {f"kept_{split}_{polarity}": number for polarity, number in part.items()}
        expected[f"examples_{split}"] = statistics["examples"][split]["all"]
    assert {name: counters[name] for name in expected} == expected


def test_workers_import_neither_tensorflow_nor_tfx() -> None:
    code = (
        "import sys; import components.feedback.run; "
        "print(sorted({'tensorflow', 'tfx', 'keras', 'tfx_bsl'} & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_output_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "mine").write_text("keep")
    with pytest.raises(FileExistsError, match=f"^The output folder {tmp_path}/output is not empty"):
        generate(FeedbackConfig(files=["-"]), tmp_path / "output")
    assert (tmp_path / "output" / "mine").read_text() == "keep"


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    support.write_parquet(tmp_path / "a.parquet", some_rows(50))
    (tmp_path / "output").mkdir()
    monkeypatch.setattr(run_module, "STATISTICS_FILE", "missing.json")
    with pytest.raises(FileNotFoundError):
        generate(
            FeedbackConfig(files=[str(tmp_path / "a.parquet")], min_item_users=0, min_user_items=0), tmp_path / "output"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "output"]
    assert list((tmp_path / "output").iterdir()) == []


def test_an_output_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("keep")
    for output in ("file", "file/below/it"):
        with pytest.raises(FeedbackError, match=f"^The output {tmp_path}/{output} .*: {tmp_path}/file is no folder"):
            generate(FeedbackConfig(files=["-"]), tmp_path / output)
    # Tests may run as root, who may write everywhere.
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(FeedbackError, match=f"this user may not write to the folder {tmp_path}. Change its perm"):
        generate(FeedbackConfig(files=["-"]), tmp_path / "new" / "output")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_every_row_dropped_for_its_timestamp(tmp_path: Path) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", [dataclasses.replace(row, time=-1) for row in MANY])
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[path], positive=1.0, bad_rows="drop"), tmp_path / "output")
    assert str(caught.value) == (
        "No row can be used: 100 rows read; 100 dropped: timestamp neither a plausible number nor a date. Set "
        "`feedback.bad_rows: error` to see the first of them, then correct the input, `feedback.columns`, "
        "`feedback.names` or `feedback.delimiter`."
    )


def rows_of(*triples: tuple[str, str, float], time: int = 1000) -> list[Row]:
    return [Row(user, item, value, time + n, "train", n) for n, (user, item, value) in enumerate(triples)]


ONE_USER = rows_of(*(("u", f"i{index}", float(index % 2)) for index in range(12)))
ONE_ITEM = rows_of(*((f"u{index % 6}", "i", float(index % 2)) for index in range(36)))
MANY = rows_of(*((f"u{n % 10}", f"i{n // 10}", 1.0) for n in range(100)))
NO_FILTER: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1}


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (
            ONE_USER,
            {"positive": 1.0},
            "No row is left after the filters: 12 rows read; 12 dropped: item with too few users (min_item_users). "
            "Lower "
            "`feedback.min_item_users` (now 5) or `feedback.min_user_items` (now 5), or give more data.",
        ),
        (
            ONE_ITEM,
            {"positive": 1.0},
            "No row is left after the filters: 36 rows read; 36 dropped: user with too few items (min_user_items). "
            "Lower "
            "`feedback.min_item_users` (now 5) or `feedback.min_user_items` (now 5), or give more data.",
        ),
        (
            MANY,
            {"positive": 2.0},
            "No user is left to train on: of 10 users with 89 training rows, none has the 2 positive ones that "
            "`feedback.min_positives` asks for (positive: value >= 2). 100 rows read; 10 dropped: held out, item not "
            "in "
            "training; 90 dropped: user with too few positive training rows (min_positives). Lower "
            "`feedback.min_positives`, "
            "or change `feedback.positive`.",
        ),
        (
            [Row(row.user, row.item, 1.0, 1000, "train", row.order) for row in MANY],
            {"positive": 1.0},
            "No training row is left by the split: of 100 rows after the filters, every timestamp is at or after the "
            "split "
            "time 1970-01-01 00:16:40 UTC. Lower `feedback.test_quantile` (now 0.9), or split by leave_one_out.",
        ),
        (
            MANY[:20],
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            "No training row is left by the split: of 20 rows after the filters, no user has more than two, which "
            "are for "
            "test and validation. Split by global_time.",
        ),
        (
            [Row(row.user, row.item, 1.0, row.time, "test", row.order) for row in MANY],
            {"positive": 1.0, "split": "column", "columns": ColumnsConfig(split="split")},
            "No training row is left by the split: of 100 rows after the filters, the column 'split' says train for "
            "none "
            "of them.",
        ),
        (
            [*MANY, Row("u1", "i1", 1.0, 10**12, "train", 100)],
            {"positive": 1.0},
            "The timestamps have several units: 1 in milliseconds, 100 in seconds. The first that is not in seconds is "
            "{folder}/rows.parquet, row 101, column 'timestamp': 1000000000000. Bring them to one, else rows cannot be "
            "put in order; remove the row if it is a mistake.",
        ),
    ],
    ids=["one user", "one item", "all negative", "one time", "short users", "no train rows", "two units"],
)
def test_nothing_left(tmp_path: Path, rows: list[Row], settings: dict[str, Any], message: str) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    with pytest.raises(FeedbackError) as caught:
        generate(FeedbackConfig(files=[path], **settings), tmp_path / "output")
    assert str(caught.value) == message.replace("{folder}", str(tmp_path))
    assert [child.name for child in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize(
    ("rows", "settings", "warnings"),
    [
        (
            ONE_USER,
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            [
                "The validation split is empty: nothing can be measured on it.",
                "The test split is empty: nothing can be measured on it.",
            ],
        ),
        (
            ONE_ITEM,
            {"positive": 1.0, "split": "leave_one_out", **NO_FILTER},
            [
                "No training row is negative: the negative encoder has nothing to learn from.",
                "3 validation targets are already in their history, so they can only be missed; `duplicates: first` "
                "avoids "
                "that.",
                "No test target is negative: that group cannot be measured.",
                "3 test targets are already in their history, so they can only be missed; `duplicates: first` avoids "
                "that.",
            ],
        ),
        (
            MANY,
            {"positive": 1.0, "split": "leave_one_out"},
            ["No training row is negative: the negative encoder has nothing to learn from."],
        ),
        (
            MANY,
            {"positive": 2.0, "split": "leave_one_out", "min_positives": 0},
            ["No training row is positive: the positive encoder has nothing to learn from."],
        ),
    ],
    ids=["one user", "one item", "all positive", "all negative"],
)
def test_odd_input_that_can_be_used(
    tmp_path: Path, rows: list[Row], settings: dict[str, Any], warnings: list[str]
) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    config = FeedbackConfig(files=[path], **settings)
    statistics = generate(config, tmp_path / "output")
    expected = reference.run(rows, config)
    assert support.all_examples(tmp_path / "output") == expected.examples
    assert statistics["warnings"][: len(warnings)] == warnings


def test_duplicated_rows(tmp_path: Path) -> None:
    """Each of 10 users has each of 5 items twice, first liked, then not."""
    rows = rows_of(*((f"u{n % 10}", f"i{n // 10 % 5}", float(n < 50)) for n in range(100)))
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    found = {}
    for rule in ("all", "first", "last"):
        config = FeedbackConfig(files=[path], duplicates=rule, split="leave_one_out", positive=1.0, min_positives=0)  # type: ignore[arg-type]
        statistics = generate(config, tmp_path / rule)
        example = support.all_examples(tmp_path / rule)["train"][0]
        found[rule] = (
            statistics["rows"]["dropped"]["duplicate"],
            example["positive_item_ids"],
            example["negative_item_ids"],
        )
    items = [f"i{index}" for index in range(5)]
    assert found == {
        "all": (0, items, items[:3]),
        "first": (50, items[:3], []),
        # What is held out takes no row away from training: i3 and i4 were liked there.
        "last": (30, items[3:], items[:3]),
    }


def test_ties_are_broken_by_file_then_row(tmp_path: Path) -> None:
    """All at the same time: the order is that of the files' names and of their rows, not that of the config."""
    orders = {"b.csv": "fghij", "a.csv": "abcde"}
    for name, items in orders.items():
        support.write_csv(tmp_path / name, [Row(user, item, 1.0, 77) for item in items for user in ("u", "v")])
    config = FeedbackConfig(
        files=list(orders), base=str(tmp_path), split="leave_one_out", positive=1.0, min_item_users=2, shards=2
    )
    generate(config, tmp_path / "output")
    examples = support.all_examples(tmp_path / "output")
    assert [example["positive_item_ids"] for example in examples["train"]] == [list("abcdefgh")] * 2
    # "i" and "j" are in no training row.
    assert examples["test"] == examples["validation"] == []


def test_the_median_of_an_even_number_lies_between(tmp_path: Path) -> None:
    values = [1.0, 2.0, 4.0, 9.0]
    rows = [Row("u", f"i{n}", value, n, "train", n) for n, value in enumerate(values)]
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    config = FeedbackConfig(files=[path], split="column", positive="median", **NO_FILTER)
    assert generate(config, tmp_path / "output")["positive"] == {"rule": "median", "threshold": np.median(values)}
