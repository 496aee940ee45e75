"""Rules of the split: the shipped ones' names and words, and that a new one takes one file."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.feedback.config import FeedbackConfig, from_json, to_json
from components.feedback.rules.splits import SPLIT_RULES
from components.feedback.run import generate
from pipeline.config import load_config
from tests.components.feedback import support
from tests.components.feedback.reference import Row

ROOT = Path(__file__).parents[4]
NO_FILTER: dict[str, Any] = {"min_item_users": 1, "min_user_items": 1}


@pytest.fixture
def every_third() -> Iterator[str]:
    """The name of a rule that one file of the tests adds."""
    from tests.components.feedback.rules.every_third import EveryThird

    SPLIT_RULES[EveryThird.name] = EveryThird
    yield EveryThird.name
    del SPLIT_RULES[EveryThird.name]


def test_a_new_rule_takes_one_file(tmp_path: Path, every_third: str) -> None:
    """Two users with six rows each: the third and the sixth are held out, the last of them is the target."""
    orders = {"u": "abcdef", "v": "cfadeb"}
    rows = [Row(user, item, 1.0, 1_000 + n) for user, items in orders.items() for n, item in enumerate(items)]
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    written = {
        "name": "tiny",
        "output": "out",
        "feedback": {"files": [path], "split": every_third, "positive": 1.0, **NO_FILTER},
        "gate": {"bounds": {"ndcg_p": {"min": 0.1}}},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(written))
    config = load_config(tmp_path / "tiny.yaml").feedback
    assert from_json(to_json(config)) == config
    statistics = generate(config, tmp_path / "output")
    examples = support.all_examples(tmp_path / "output")
    assert {example["user_id"]: example["positive_item_ids"] for example in examples["train"]} == {
        "u": list("abde"),
        "v": list("cfde"),
    }
    assert examples["validation"] == []
    assert [
        (example["user_id"], example["seen_item_ids"], example["target_item_id"]) for example in examples["test"]
    ] == [("u", list("abcde"), "f"), ("v", list("cfade"), "b")]
    assert statistics["split"] == {"rule": "every_third", "time": None, "time_unit": "seconds", "date": None}
    summary = (tmp_path / "output" / "statistics" / "summary.txt").read_text()
    assert "\nSplit: every_third, 2 users with held-out rows\n" in summary


def test_an_unknown_rule_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        FeedbackConfig(files=["a"], split="random")
    assert str(caught.value) == (
        "`feedback.split` must be the name of a rule. Received: 'random'. Known: global_time (rows from one time on "
        "are held out, of half of the users for validation, of the others for test); leave_one_out (each user's last "
        "row is for test, the one before for validation); column (the split column says train, validation or "
        "test); none (nothing is held out, so that nothing can be judged: for `pnfrec recommend`, not for `pnfrec "
        "run`)."
    )


def test_no_other_source_names_a_rule() -> None:
    """But for the default. `column` is also a rule of what is positive, so it cannot be looked for."""
    folders = ("components", "pipeline", "pnfrec_core", "pnfrec_keras", "serving", "studies")
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("global_time", "leave_one_out")
    ]
    assert found == [
        "components/feedback/config.py",
        "components/feedback/rules/splits.py",
        "components/feedback/rules/splits.py",
    ]


def test_no_other_source_branches_on_the_name_of_the_rule() -> None:
    """A comparison with `.split` of the settings; `splits` of rows are compared with numbers."""
    found = [
        f"{path.relative_to(ROOT).as_posix()}: {ast.unparse(node)}"
        for folder in ("components", "pipeline", "pnfrec_core", "pnfrec_keras", "serving", "studies")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare)
        for side in (node.left, *node.comparators)
        if isinstance(side, ast.Attribute)
        and side.attr == "split"
        and ast.unparse(side.value).endswith(("feedback", "config"))
    ]
    assert found == []


def test_filters_that_act_on_held_out_rows_of_a_split_column_are_remarked(tmp_path: Path) -> None:
    """Item "x" has one user, who holds it out; user "w" has one item."""
    rows = [Row(user, item, 1.0, 1_000 + n) for user in "uv" for n, item in enumerate("abc")]
    rows += [Row("u", "x", 1.0, 2_000, "test"), Row("w", "a", 1.0, 2_000, "test")]
    path = support.write_parquet(tmp_path / "rows.parquet", rows)
    settings: dict[str, Any] = {"files": [path], "split": "column", "positive": 1.0}
    statistics = generate(FeedbackConfig(**settings, min_item_users=2, min_user_items=2), tmp_path / "filtered")
    dropped = statistics["rows"]["dropped"]
    assert (dropped["rare_item"], dropped["rare_user"]) == (1, 1)
    summary = (tmp_path / "filtered" / "statistics" / "summary.txt").read_text()
    assert (
        "Note: The filters act on the rows of every split and count held-out rows too: 1 rows of items with too few "
        "users and 1 rows of users with too few items were dropped, whatever the split column says of them. Set "
        "`min_item_users: 1` and `min_user_items: 1` to keep them.\n"
    ) in summary
    generate(FeedbackConfig(**settings, **NO_FILTER), tmp_path / "whole")
    assert "Note:" not in (tmp_path / "whole" / "statistics" / "summary.txt").read_text()
