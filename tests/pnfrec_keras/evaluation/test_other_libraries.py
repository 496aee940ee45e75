"""The guide to other libraries shows what its script saw, and our numbers are what `evaluate_table` gives."""

import contextlib
import io
import re
from pathlib import Path

import pandas as pd
import pytest

from pnfrec_keras.evaluation.tables import evaluate_table

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "guides" / "other-libraries.md").read_text(encoding="utf-8")
SCRIPT = (ROOT / "findings" / "ndcg-of-seven-libraries.sh").read_text(encoding="utf-8")
USERS = ["one", "two", "none", "no list", "ties", "repeat"]


def rows_of(title: str) -> list[list[str]]:
    """The cells of the table whose head begins with `title`."""
    text = GUIDE[GUIDE.index(f"| {title} |") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def seen(is_ndcg: bool) -> list[list[str]]:
    found = SCRIPT.partition("<<'SEEN'\n")[2].partition("SEEN\n")[0].splitlines()[1:]
    return [line[66:].split() for line in found if bool(re.search(r"n(ormalized)?dcg", line.lower())) == is_ndcg]


@pytest.mark.parametrize(("title", "is_ndcg", "rows"), [("NDCG@3", True, 10), ("hit rate and recall at 3", False, 14)])
def test_every_number_of_another_library_is_what_the_script_saw(title: str, is_ndcg: bool, rows: int) -> None:
    _ours, *theirs = rows_of(title)
    assert [row[1:] for row in theirs] == seen(is_ndcg)
    assert len(theirs) == rows


def measured(user: str, measure: str) -> str:
    """What `evaluate_table` says of one user of the example, or that it refuses."""
    _, listed, relevant = next(row for row in rows_of("user") if row[0] == user)
    rows = [(user, item, int(score)) for item, score in re.findall(r"(\w) (\d)", listed)]
    # For a user without a list a table needs the row of somebody else, who counts in the other group.
    other = [("other", "a", 1)]
    table = pd.DataFrame(rows + other, columns=["user", "item", "score"])
    wanted = [] if relevant == "nothing" else relevant.split(" and ")
    targets = pd.DataFrame(
        [*((user, item, 1) for item in wanted), ("other", "a", 0)], columns=["user", "item", "value"]
    )
    try:
        found = evaluate_table(table, targets, positive=1, k=3, catalogue=list("abcdef"), score="score")
    except ValueError:
        return "refused"
    return f"{found[measure]:.4f}"


@pytest.mark.parametrize(("title", "measure"), [("NDCG@3", "ndcg_p"), ("hit rate and recall at 3", "hr_p")])
def test_our_numbers_are_those_of_evaluate_table(title: str, measure: str) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, "the guide", "exec"), {})
    (mean,) = re.findall(rf"'{measure}': ([0-9.]+)", printed.getvalue())
    ours = rows_of(title)[0][1:]
    # Each target is an example of its own, so that it makes no difference to write them as users.
    assert ours == [*(measured(user, measure) for user in USERS), *[f"{float(mean):.4f}"] * 2]
