"""What a trial is called by: nobody finds the result of another arm, of other data or of lists of another length."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config import ConfigError, load_config
from studies.study import load_study, trials

CONFIG: dict[str, Any] = {
    "name": "small",
    "output": "runs/small",
    "feedback": {
        "files": ["rows.csv"],
        "positive": 4,
        "titles": {"file": "titles.csv", "group": "genre"},
    },
    "gate": {"bounds": {"ndcg_p": {"min": 0.0}, "hr_p": {"min": 0.0}, "hr_n": {"max": 1.0}}},
}


def keys(folder: Path, arms: dict[str, dict[str, Any]], groups: bool = True, **changes: Any) -> dict[str, str]:
    """Name of each arm to the name of its trial."""
    feedback = {**CONFIG["feedback"], "titles": {"file": "titles.csv", **({"group": "genre"} if groups else {})}}
    (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "feedback": feedback}), encoding="utf-8")
    own = [{"name": name, "set": settings} for name, settings in arms.items()]
    study = {"name": "s", "question": "?", "reference": next(iter(arms)), "seeds": [1], "arms": own, **changes}
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    assert load_config(folder / "config.yaml").name == "small"
    return {
        trial.arm.name: trial.key
        for trial in trials(load_study(str(folder / "study.yaml")), folder / "config.yaml", [])
    }


@pytest.mark.parametrize("names", [("a+", "a-"), ("a b", "a-b"), ("первая", "вторая")])
def test_arms_that_swap_their_names_do_not_find_each_others_results(tmp_path: Path, names: tuple[str, str]) -> None:
    one, two = names
    first = keys(tmp_path, {one: {"model.dim": 8}, two: {"model.dim": 16}})
    swapped = keys(tmp_path, {one: {"model.dim": 16}, two: {"model.dim": 8}})
    assert len({*first.values(), *swapped.values()}) == 4
    alike = keys(tmp_path, {one: {}, two: {}})
    assert alike[one] != alike[two]


def test_other_groups_of_items_are_another_trial_of_the_same_training(tmp_path: Path) -> None:
    """The diversity of lists reads them."""
    titles = tmp_path / "titles.csv"
    met = []
    for genre in ("drama", "crime"):
        titles.write_text(f"item,title,genre\na,A,{genre}\n", encoding="utf-8")
        met.append((keys(tmp_path, {"a": {}}, groups=True)["a"], keys(tmp_path, {"a": {}}, groups=False)["a"]))
    assert met[0][0] != met[1][0]
    assert met[0][1] == met[1][1], "titles alone are in no measure"


def test_lists_of_one_table_have_one_length(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"`training.k` .* one for all its arms\. Received: 10 \('a'\), 20 \('b'\)"):
        keys(tmp_path, {"a": {}, "b": {"training.k": 20}})
    assert set(keys(tmp_path, {"a": {}, "b": {}}, set={"training.k": 20})) == {"a", "b"}
