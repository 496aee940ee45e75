"""Several kinds of events in one file, told apart by a column: as the same rows in files of their own."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.feedback.config import EventConfig, FeedbackConfig, from_json, to_json
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.reading.plan import make_plan
from components.feedback.run import generate
from pipeline.feedback_check import look_into
from pnfrec_core.errors import FeedbackError
from tests.components.feedback import local
from tests.components.feedback.test_events import CUT, DISLIKES, LIKES, UNDO, Event, config, histories, write
from tests.components.feedback.test_keep_read import files_of

pytestmark = pytest.mark.tensorflow

STRING = pa.string()
KINDS = {"likes": "like", "dislikes": "dislike", "undislikes": "undislike"}


def some(count: int, seed: int) -> list[Event]:
    random = np.random.default_rng(seed)
    found = zip(*(random.integers(0, most, count).tolist() for most in (30, 12, 150)), strict=True)
    return [(f"u{user}", f"i{item}", time) for user, item, time in found]


ROWS = {name: some(count, seed) for seed, (name, count) in enumerate(zip(KINDS, (400, 200, 200), strict=True))}
OTHER = {"listen": some(50, 7), "unlike": some(3, 8)}


def write_one(
    folder: Path,
    more: dict[str, list[Event]] | None = None,
    suffix: str = "parquet",
    kinds: Any = STRING,
    shuffled: bool = True,
) -> None:
    """All events in one file, where the rows of a kind keep their order but stand among those of others."""
    every = {KINDS.get(name, name): rows for name, rows in {**(more or {}), **ROWS}.items()}
    places = np.repeat(list(every), list(map(len, every.values())))
    places = np.random.default_rng(1).permutation(places) if shuffled else places
    left = {kind: iter(rows) for kind, rows in every.items()}
    rows = [(*next(left[kind]), kind) for kind in places.tolist()]
    users, items, times, said = zip(*rows, strict=True)
    columns = {"user": pa.array(users), "item": pa.array(items), "timestamp": pa.array(times, pa.int64())}
    kind = pa.array(said).dictionary_encode() if pa.types.is_dictionary(kinds) else pa.array(said).cast(kinds)
    table = pa.table({**columns, "event_type": kind})
    if suffix == "parquet":
        pq.write_table(table, folder / "multi.parquet", row_group_size=100)
    else:
        table.to_pandas().to_csv(folder / "multi.csv", index=False)


def of_one(event: EventConfig, file: str = "multi.parquet", **changes: Any) -> EventConfig:
    return dataclasses.replace(event, files=[file], **{"where": {"event_type": KINDS[event.name]}, **changes})


IN_ONE = tuple(map(of_one, (LIKES, DISLIKES, UNDO)))
IGNORED = EventConfig("others", ["multi.parquet"], ignored=True, where={"event_type": ["listen", "unlike"]})


def settings(folder: Path, *events: EventConfig, **changes: Any) -> FeedbackConfig:
    return config(folder, *(events or IN_ONE), **{"shards": 3, "duplicates": "last", **CUT, **changes})


def outputs(folder: Path) -> dict[str, bytes]:
    """What is trained on and judged by."""
    return {name: data for name, data in files_of(folder).items() if name.startswith(("Split-", "vocabulary"))}


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What comes of files of their own."""
    folder = tmp_path_factory.mktemp("apart")
    write(folder, **ROWS)
    local.generate(settings(folder, LIKES, DISLIKES, UNDO), folder / "out", 64)
    return folder / "out"


@pytest.mark.parametrize(
    "kinds", [STRING, pa.dictionary(pa.int32(), STRING), pa.binary()], ids=["text", "codes", "bytes"]
)
def test_it_makes_the_same_bytes(tmp_path: Path, apart: Path, kinds: Any) -> None:
    write_one(tmp_path, kinds=kinds)
    statistics = local.generate(settings(tmp_path), tmp_path / "out", 64)
    found = outputs(tmp_path / "out")
    assert len(found) == 10
    assert found == outputs(apart)
    assert statistics["rows"]["read"] == 800
    assert {name: each["rows"] for name, each in statistics["events"].items()} == {
        name: len(rows) for name, rows in ROWS.items()
    }
    assert statistics["left_out"] == {"unnamed": {}, "ignored": {}}
    assert [warning for warning in statistics["warnings"] if "kind" in warning] == []


def test_text_by_beam_and_kept_rows_make_the_same_bytes(tmp_path: Path, apart: Path) -> None:
    write_one(tmp_path, OTHER, "csv")
    # A row of two fields is of no event, and is counted once.
    with (tmp_path / "multi.csv").open("a") as file:
        file.write("u1,i1\n")
    events = [dataclasses.replace(event, files=["multi.csv"]) for event in (*IN_ONE, IGNORED)]
    keep = KeepReadConfig("always", str(tmp_path / "kept"))
    for name in ("first", "again"):
        read = settings(tmp_path, *events, keep_read=keep, bad_rows="drop")
        statistics = generate(read, tmp_path / name)
        assert outputs(tmp_path / name) == outputs(apart)
        assert statistics["rows"]["read"] == 854
        dropped = {reason: statistics["rows"]["dropped"][reason] for reason in ("wrong_fields", "ignored", "unnamed")}
        assert dropped == {"wrong_fields": 1, "ignored": 53, "unnamed": 0}
        assert statistics["left_out"] == {"unnamed": {}, "ignored": {"listen": 50, "unlike": 3}}
    assert len(list((tmp_path / "kept").iterdir())) == 3
    # Another event that is ignored is another account: what is kept of the first pass no longer holds.
    fewer = dataclasses.replace(events[3], where={"event_type": "listen"})
    changed = generate(settings(tmp_path, *events[:3], fewer, keep_read=keep, bad_rows="drop"), tmp_path / "fewer")
    assert changed["left_out"] == {"unnamed": {"unlike": 3}, "ignored": {"listen": 50}}
    assert len(list((tmp_path / "kept").iterdir())) == 4


def test_a_kind_that_no_event_names_is_counted_and_warned_of(tmp_path: Path, apart: Path) -> None:
    write_one(tmp_path, {**OTHER, "": [("u1", "i1", 4)]})
    statistics = local.generate(settings(tmp_path), tmp_path / "out", 64)
    assert outputs(tmp_path / "out") == outputs(apart)
    assert statistics["rows"]["dropped"]["unnamed"] == 54
    assert statistics["left_out"]["unnamed"] == {"listen": 50, "unlike": 3, "no value": 1}
    (warning,) = (warning for warning in statistics["warnings"] if "kind" in warning)
    assert warning == (
        "54 rows are of a kind that no event names, and are left out: 'listen' (50), 'unlike' (3), 'no value' (1). "
        "Name each in the `where` of an event; one with `ignored: true` leaves them out without this warning."
    )


def test_a_file_of_one_event_and_a_bound_on_another_column(tmp_path: Path) -> None:
    lines = [
        "user,item,timestamp,code,ratio",
        "u,a,1,1,",
        "u,b,2,2,97",
        "u,c,3,2,50",
        "u,d,4,2,1",
        "v,a,5,1,",
        "v,e,6,3,",
    ]
    (tmp_path / "multi.csv").write_text("\n".join(lines) + "\n")
    listens = EventConfig("listens", ["multi.csv"], column="ratio", like_from=95, dislike_below=10, where={"code": 2})
    likes = EventConfig("likes", ["multi.csv"], "like", where={"code": [1]})
    statistics = local.generate(config(tmp_path, likes, listens), tmp_path / "out", 64)
    assert histories(tmp_path / "out") == {"u": (["a", "b"], ["d"]), "v": (["a"], [])}
    # That a like has no ratio is none of the account's business; that nobody reads code 3 is.
    dropped = {name: number for name, number in statistics["rows"]["dropped"].items() if number}
    assert dropped == {"no_opinion": 1, "unnamed": 1}
    local.generate(config(tmp_path, likes), tmp_path / "alone", 64)
    assert histories(tmp_path / "alone") == {"u": (["a"], []), "v": (["a"], [])}


def test_a_bad_row_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    lines = ["user,item,timestamp,event_type", "u,a,1,like", ",b,2,listen", "u,c,3,dislike", ",d,4,dislike"]
    (tmp_path / "multi.csv").write_text("\n".join(lines) + "\n")
    events = [of_one(event, "multi.csv") for event in (LIKES, DISLIKES)]
    with pytest.raises(FeedbackError, match=r"multi.csv, line 5, column 'user': expected a non-empty id"):
        local.generate(config(tmp_path, *events), tmp_path / "out", 64)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [of_one(LIKES, where={"event_type": "lik"}), IN_ONE[1]],
            "`feedback.events`, 'likes': in no row is the column 'event_type' 'lik'. What no event names is 'like' "
            "(400), 'undislike' (200). Correct its `where` or its `files`, or leave the event out.",
        ),
        (
            [of_one(LIKES, where={"kind": "like"}), of_one(DISLIKES, where={"kind": "dislike"})],
            "multi.parquet: no column 'kind'. Found: 'user', 'item', 'timestamp', 'event_type'.",
        ),
        (
            [of_one(LIKES, where={"timestamp": 3})],
            "multi.parquet, column 'timestamp' holds more than 100 values that no event names, such as ",
        ),
        ([LIKES, dataclasses.replace(IN_ONE[1], files=["*.parquet"])], "belongs to 'likes' and to 'dislikes'. A row"),
        (
            [IN_ONE[0], of_one(DISLIKES, where={"item": "i3"})],
            "whose `where` looks at two columns, 'event_type' and 'item'. A row means one thing: name the same column "
            "in both.",
        ),
        (
            [IN_ONE[0], of_one(DISLIKES, where={"event_type": ["dislike", "like"]})],
            "multi.parquet belongs to 'likes' and to 'dislikes', and the `where` of both names 'like'. A row means one "
            "thing: take it out of one of the two.",
        ),
        (
            [LIKES, IGNORED],
            "`feedback.events`, 'others': nothing of ",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, events: list[EventConfig], message: str) -> None:
    write_one(tmp_path)
    write(tmp_path, likes=ROWS["likes"])
    with pytest.raises(FeedbackError) as caught:
        local.generate(config(tmp_path, *events), tmp_path / "out", 1024)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_column_of_durations_holds_no_kinds(tmp_path: Path) -> None:
    kinds = pa.array([1], pa.duration("s"))
    pq.write_table(
        pa.table({"user": ["u"], "item": ["a"], "timestamp": [1], "event_type": kinds}), tmp_path / "multi.parquet"
    )
    with pytest.raises(
        FeedbackError, match=r"`where` compares text, whole numbers, booleans or dates, and the column "
    ):
        local.generate(config(tmp_path, *IN_ONE[:2]), tmp_path / "out", 64)


def test_nothing_to_take_back_with_is_a_warning(tmp_path: Path) -> None:
    write_one(tmp_path)
    wrong = of_one(UNDO, where={"event_type": "undo"})
    statistics = local.generate(settings(tmp_path, *IN_ONE[:2], wrong), tmp_path / "out", 64)
    told = "`feedback.events`, 'undislikes': in no row is the column 'event_type' 'undo'. What no event names is "
    assert f"{told}'undislike' (200). Nothing is taken back by it." in statistics["warnings"]


def test_a_look_before_the_run_shows_each_event(tmp_path: Path) -> None:
    write_one(tmp_path, OTHER)
    found = look_into(config(tmp_path, *IN_ONE, IGNORED), print)
    assert found.problems == ()
    assert {row.event: row.polarity for row in found.rows} == {
        "likes": "positive",
        "dislikes": "negative",
        "undislikes": "takes back dislikes",
    }
    assert len(found.files) == 1


def test_the_rows_of_an_event_may_be_far_down(tmp_path: Path) -> None:
    write_one(tmp_path, {"listen": some(5000, 7)}, shuffled=False)
    found = look_into(config(tmp_path, *IN_ONE, IGNORED), print)
    assert {row.event for row in found.rows} == set(KINDS)


def test_a_file_is_as_large_as_it_is_however_often_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.feedback.reading.plan._ROWS_PER_SHARD", 300)
    write_one(tmp_path)
    write(tmp_path, **ROWS)
    plans = [make_plan(config(tmp_path, *events)) for events in ((LIKES, DISLIKES, UNDO), IN_ONE)]
    assert [plan.shards for plan in plans] == [3, 3]
    assert {piece.event for piece in plans[1].pieces} == {0, 1, 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"where": {"a": "x", "b": "y"}}, "`where` looks at one column. Received: a, b. Keep one of them."),
        (
            {"where": {"a": []}},
            "`where` is a column and what it holds in the rows of the event, a text, a whole number or a",
        ),
        (
            {"where": {"a": " "}},
            "`where` is a column and what it holds in the rows of the event, a text, a whole number or a",
        ),
        ({"where": {"a": [1.5]}}, "{event_type: like}. Received: {'a': [1.5]}."),
        (
            {"where": {"": "x"}},
            "`where` is a column and what it holds in the rows of the event, a text, a whole number or a",
        ),
        ({"polarity": None, "ignored": True}, "`ignored` leaves out rows that `where` names. Set it, or leave out the"),
        ({"ignored": True}, "Received: `polarity` and `ignored`."),
    ],
)
def test_an_event_that_makes_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        dataclasses.replace(LIKES, **changes)
    assert message in str(caught.value)


def test_what_is_ignored_has_no_opinion(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`feedback.events` only take back"):
        config(tmp_path, IGNORED)
    with pytest.raises(ValueError, match=r"`cancels` names 'others', which is ignored. Known are 'likes'\."):
        config(tmp_path, IN_ONE[0], of_one(UNDO, cancels=["others"]), IGNORED)


def test_kinds_have_one_text_form(tmp_path: Path) -> None:
    event = dataclasses.replace(LIKES, where={"said": [True, 3, " like "]})
    assert event.kinds == ("true", "3", "like")
    found = config(tmp_path, event, *IN_ONE[1:], dataclasses.replace(IGNORED, where={"event_type": 4}))
    assert from_json(to_json(found)) == found
