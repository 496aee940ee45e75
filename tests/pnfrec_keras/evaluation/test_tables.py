"""Our measures of a table that any library wrote: by hand, and what is refused."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pnfrec_keras.evaluation.tables import evaluate_table
from pnfrec_keras.examples.vocabulary import Vocabulary

ROOT = Path(__file__).parents[3]
VOCABULARY = Vocabulary(["a", "b", "c", "d"], np.array([9, 7, 5, 1]), np.array([1, 6, 5, 0]))
# The user v likes what is second; w likes what its list lacks and dislikes what is first; x has no list.
TABLE = pd.DataFrame(
    {"user": ["v", "v", "w", "w", "w"], "item": ["a", "b", "b", "a", "c"], "rank": [1, 2, 1, 2, 3]},
)
TARGETS = pd.DataFrame({"user": ["v", "w", "w", "x"], "item": ["b", "d", "b", "a"], "value": [9, 8, 1, 10]})
BY_HAND = {
    "hr_p": 1 / 3,
    "hr_n": 1.0,
    "hr_delta": -2 / 3,
    "ndcg_p": 1 / math.log2(3) / 3,
    "ndcg_n": 1.0,
    "ndcg_delta": 1 / math.log2(3) / 3 - 1,
    "mrr_p": 1 / 6,
    "mrr_n": 1.0,
    "mrr_delta": -5 / 6,
    "coverage": 0.5,
}


def of_hand(measured: dict[str, float]) -> dict[str, float]:
    """Those that are worked out above; the other measures of the lists are compared with those of `evaluate`."""
    return {name: measured[name] for name in BY_HAND}


def found(table: Any = TABLE, targets: Any = TARGETS, **settings: Any) -> dict[str, float]:
    return evaluate_table(table, targets, **{"positive": 8, "k": 2, **settings})


def test_measures_by_hand() -> None:
    assert of_hand(found(catalogue=VOCABULARY)) == pytest.approx(BY_HAND)
    deeper = found(catalogue=["d", "c", "b", "a"], k=3)
    assert deeper["coverage"] == 0.75
    without = of_hand(found())
    assert math.isnan(without.pop("coverage"))
    assert without == pytest.approx({name: value for name, value in BY_HAND.items() if name != "coverage"})


def test_rows_may_come_in_any_order_and_columns_have_any_name() -> None:
    names = {"user": "user_id", "item": "item_id", "rank": "place"}
    shuffled = TABLE.sample(frac=1, random_state=3).rename(columns=names)
    targets = TARGETS.rename(columns={**names, "value": "weight"})
    again = found(shuffled, targets, catalogue=VOCABULARY, user="user_id", item="item_id", rank="place", value="weight")
    assert of_hand(again) == pytest.approx(BY_HAND)


def test_scores_say_the_same_and_equal_ones_keep_the_order_of_the_catalogue() -> None:
    scored = TABLE.assign(score=[5.0, 4.0, -1.0, -2.0, -3.0]).drop(columns="rank")
    assert of_hand(found(scored, score="score", catalogue=VOCABULARY)) == pytest.approx(BY_HAND)
    tied = scored.assign(score=1.0)
    # The catalogue has a before b, so that a is the first of w, and b the second.
    assert found(tied, score="score", catalogue=VOCABULARY)["mrr_n"] == 0.5
    assert found(tied, score="score", catalogue=["b", "a", "c", "d"])["mrr_n"] == 1.0
    with pytest.raises(ValueError, match=r"^Rows 0 and 1 of the table have the same score, 1, for the user 'v': give"):
        found(tied, score="score")


@pytest.mark.parametrize("kind", ["pandas", "arrow", "columns"])
def test_ids_are_read_as_the_pipeline_reads_them(kind: str) -> None:
    table: Any = pd.DataFrame({"user": [1.0, 1.0, 2.0], "item": [" 7", "8 ", "7"], "rank": [1.0, 2.0, 1.0]})
    targets: Any = pd.DataFrame({"user": ["1", "2"], "item": [8, 7], "value": [True, False]})
    if kind == "arrow":
        table, targets = pa.Table.from_pandas(table), pa.Table.from_pandas(targets)
    elif kind == "columns":
        table, targets = table.to_dict("list"), targets.to_dict("list")
    measured = evaluate_table(table, targets, positive=1, catalogue=np.array([7, 8]))
    assert (measured["mrr_p"], measured["mrr_n"], measured["coverage"]) == (0.5, 1.0, 1.0)


def change(frame: pd.DataFrame, column: str, values: list[Any]) -> pd.DataFrame:
    changed: pd.DataFrame = frame.assign(**{column: values})
    return changed


REFUSED = [
    (
        TABLE.rename(columns={"rank": "place"}),
        TARGETS,
        {},
        "The table lacks the column(s) rank. It has: user, item, place. Name them by `user`, `item`, and `rank` or "
        "`score`.",
    ),
    (
        TABLE,
        TARGETS.drop(columns="value"),
        {},
        "The frame of targets lacks the column(s) value. It has: user, item. Name them by `user`, `item` and `value`.",
    ),
    (TABLE[:0], TARGETS, {}, "The table must have a row at least: there is nothing to evaluate."),
    (TABLE, TARGETS[:0], {}, "The targets must have a row at least: there is nothing to evaluate."),
    (
        change(TABLE, "item", ["a", "b", "b", "a", "b"]),
        TARGETS,
        {},
        "Row 4 of the table repeats the item 'b' for the user 'w', which row 2 has: keep one row for each user and "
        "item.",
    ),
    (
        pd.concat([TARGETS, TARGETS[1:2]]),
        None,
        {},
        "Row 4 of the targets repeats the item 'd' for the user 'w', which row 1 has: keep one row for each user and "
        "item.",
    ),
    (
        change(TABLE, "rank", [0, 1, 1, 2, 3]),
        TARGETS,
        {},
        "Row 0 of the table has the rank 0, and the user 'v' needs 1 to 2, each once: number the rows of each user "
        "anew from 1, the best first, or name a column of scores by `score`.",
    ),
    (
        change(TABLE, "rank", [1, 2, 1, 2.5, 3]),
        TARGETS,
        {},
        "Row 3 of the table has the rank 2.5, and the user 'w' needs 1 to 3, each once: number the rows of each user "
        "anew from 1, the best first, or name a column of scores by `score`.",
    ),
    (
        change(TABLE, "rank", [1, 2, 1, 3, 3]),
        TARGETS,
        {},
        "Row 3 of the table has the rank 3, and the user 'w' needs 1 to 3, each once: number the rows of each user "
        "anew from 1, the best first, or name a column of scores by `score`.",
    ),
    (
        change(TABLE, "rank", [1, 2, 1, 2, 2]),
        TARGETS,
        {},
        "Rows 3 and 4 of the table give the user 'w' the rank 2 twice: number the rows of each user anew from 1, the "
        "best first, or name a column of scores by `score`.",
    ),
    (
        change(TABLE, "rank", [1, 2, 1, np.inf, 3]),
        TARGETS,
        {"score": "rank"},
        "Column 'rank' of the table, row 3: expected a finite number, found inf. Correct or drop such rows first.",
    ),
    (
        change(TABLE, "user", ["v", "v", "y", "y", "z"]),
        TARGETS,
        {},
        "Row 2 of the table recommends to the user 'y', who has no target: leave out the 2 such user(s), or write ids "
        "as the targets have them.",
    ),
    (
        change(TABLE, "item", ["a", "b", None, "a", "c"]),
        TARGETS,
        {},
        "Column 'item' of the table, row 2: expected a non-empty id in UTF-8, found None. Correct or drop such rows "
        "first.",
    ),
    (
        TABLE,
        change(TARGETS, "value", [1, 2, math.nan, 4]),
        {},
        "Column 'value' of the targets, row 2: expected a finite number, found nan. Correct or drop such rows first.",
    ),
    (
        TABLE,
        TARGETS,
        {"catalogue": ["a", "b"]},
        "Row 4 of the table recommends the item 'c', which the catalogue lacks: give the catalogue that the lists were "
        "made from, or write ids as it has them.",
    ),
    (
        TABLE,
        TARGETS,
        {"catalogue": ["a", "b", "a ", "c"]},
        "Row 2 of the catalogue repeats the item 'a': give each item once, in their order.",
    ),
    (TABLE, TARGETS, {"k": 0}, "`k` must be a whole number of at least 1. Received: 0."),
    (TABLE, TARGETS, {"k": -1}, "`k` must be a whole number of at least 1. Received: -1."),
]


@pytest.mark.parametrize(("table", "targets", "settings", "message"), REFUSED)
def test_what_is_refused(table: Any, targets: Any, settings: dict[str, Any], message: str) -> None:
    if targets is None:
        table, targets = TABLE, table
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        found(table, targets, **settings)


def test_it_needs_neither_tensorflow_nor_keras() -> None:
    code = (
        "import json, sys; from pnfrec_keras import evaluate_table\n"
        "table = {'user': ['v'], 'item': ['a'], 'rank': [1]}\n"
        "evaluate_table(table, {**table, 'value': [1]}, positive=1); print(json.dumps([*sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"tensorflow", "keras", "tf_keras"} & {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("catalogue", [{"a", "b", "c", "d"}, "abcd", 4, pd.DataFrame({"item": list("abcd")})])
def test_a_catalogue_has_an_order(catalogue: Any) -> None:
    """A set has one by chance, and shares of popular items would be of other items each time."""
    with pytest.raises(ValueError, match=r"`catalogue` must be .* in the order of popularity\. Received: "):
        found(catalogue=catalogue)
