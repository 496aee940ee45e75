"""The best of the last blessed models is the baseline, where that is asked for: small losses do not add up."""

import math
from pathlib import Path
from typing import Any

import pytest

from components.gate.bounds import BoundConfig
from components.gate.config import GateConfig
from components.gate.history import Judged, best_of, levels, name_of, read_judged
from components.gate.last_blessed import LastBlessedOtherModel
from components.gate.report import content, judge
from pnfrec_artifacts import GateReport
from pnfrec_core import schema
from tests.components.gate.report import examples
from tests.components.gate.test_last_blessed import Store, blessing, model, write_export

# d lost a little against c, c against b, b won against a.
CHAIN = [Judged("d", "c", -0.01), Judged("c", "b", -0.01), Judged("b", "a", 0.02)]


def test_levels_are_sums_of_changes() -> None:
    assert levels(["d", "c", "b", "a"], CHAIN) == pytest.approx({"d": 0, "c": 0.01, "b": 0.02, "a": 0.0})


@pytest.mark.parametrize(
    ("models", "judged", "best"),
    [
        (["d", "c", "b", "a"], CHAIN, "b"),
        (["d", "c"], CHAIN, "c"),
        (["d"], CHAIN, "d"),
        (["d", "c", "b", "a"], [], "d"),
        (["d", "b"], CHAIN, "d"),  # nothing leads from the one to the other
        (["b", "a"], [Judged("b", "a", 0.0)], "b"),  # of equals the last
        (["d", "c"], [Judged("d", "c", 0.01), Judged("d", "c", -0.5)], "d"),  # the newer report counts
        (["d", "c"], [Judged("d", "c", math.nan)], "d"),
        (["d", "c"], [Judged("d", "d", -1.0)], "d"),
        # b and c were both compared with a.
        (["c", "b", "a"], [Judged("c", "a", -0.03), Judged("b", "a", 0.01)], "b"),
    ],
)
def test_the_best_is_that_by_changes(models: list[str], judged: list[Judged], best: str) -> None:
    assert best_of(models, judged) == best


def write_report(folder: Path, of: str, baseline: str, **changes: float | None) -> str:
    rows = tuple(
        content.Row(metric, 0.1, 9, None, None, None, 0.01, 0.1, change, None, "ok", "")
        for metric, change in changes.items()
    )
    report = content.Report(True, "", (), True, 10, 9, 9, bool(baseline), of, baseline, rows, ())
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(content.to_json(report))
    return str(folder)


def test_changes_are_read_from_reports_and_turned_so_that_more_is_better(tmp_path: Path) -> None:
    changes = {"ndcg_p": -0.01, "hr_n": -0.02, "default_hr_n": 0.03, "mrr_p": None}
    folders = [
        write_report(tmp_path / "1", "/old/root/Trainer/model/7", "/root/Trainer/model/5", **changes),
        write_report(tmp_path / "2", "/root/Trainer/model/5", ""),
        str(tmp_path / "gone"),
    ]
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "report.json").write_text("{")
    folders.append(str(tmp_path / "3"))

    def read(metric: str) -> list[Judged]:
        return list(read_judged(folders, metric))

    pair = ("Trainer/model/7", "Trainer/model/5")
    assert name_of("/root/Trainer/model/5") == pair[1]
    assert read("ndcg_p") == [Judged(*pair, -0.01)]
    assert read("hr_n") == [Judged(*pair, 0.02)]
    assert read("default_hr_n") == [Judged(*pair, -0.03)]
    assert read("mrr_p") == read("coverage") == []


def resolve(root: Path, history_length: int, blessed: list[int]) -> tuple[list[int], list[int]]:
    """Models 1 to 4 lie in `root`; those that are blessed, in this order; 4 is judged. Baseline and its blessing."""
    store = Store()
    models = [model(number) for number in (1, 2, 3, 4)]
    for each in models:
        each.uri = f"{root}/{each.id}"
    reports = []
    for number, folder in enumerate(sorted((root / "reports").iterdir()), 1):
        reports.append(GateReport())
        reports[-1].id, reports[-1].uri = number, str(folder)
    inputs: dict[str, list[Any]] = {
        "model": models,
        "model_blessing": [blessing(store.evaluate(), number, blessed=True) for number in blessed],
        "candidate": [models[3]],
        "report": reports,
    }
    strategy = LastBlessedOtherModel(history_length=history_length, metric="ndcg_p")
    found = strategy.resolve_artifacts(store.store, inputs)
    assert found is not None
    for each in found["model_blessing"]:
        own = [
            other
            for other in inputs["model_blessing"]
            if other.get_int_custom_property("current_model_id") == each.get_int_custom_property("current_model_id")
        ]
        assert each is own[-1], "the newest blessing of the model"
    judged = [each.get_int_custom_property("current_model_id") for each in found["model_blessing"]]
    return [each.id for each in found["model"]], judged


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Model 2 won against 1, and 3 lost against 2."""
    for number in (1, 2, 3, 4):
        write_export(tmp_path, None, schema.OUTPUT_RANK, number=number)
    write_report(tmp_path / "reports" / "1", f"{tmp_path}/2", f"{tmp_path}/1", ndcg_p=0.02)
    write_report(tmp_path / "reports" / "2", f"{tmp_path}/3", f"{tmp_path}/2", ndcg_p=-0.01)
    return tmp_path


@pytest.mark.parametrize(("length", "baseline"), [(1, 3), (2, 2), (3, 2), (99, 2)])
def test_the_baseline_is_the_best_of_the_last(root: Path, length: int, baseline: int) -> None:
    assert resolve(root, length, [1, 2, 3]) == ([baseline], [baseline])
    # Repeated, after the candidate was blessed and its report written: the same.
    write_report(root / "reports" / "3", f"{root}/4", f"{root}/{baseline}", ndcg_p=0.5)
    assert resolve(root, length, [1, 2, 3, 3, 4]) == ([baseline], [baseline])


def test_a_model_that_was_blessed_twice_is_one_of_the_last(root: Path) -> None:
    assert resolve(root, 2, [1, 2, 3, 3]) == ([2], [2])
    assert resolve(root, 3, [1, 2, 2, 3]) == ([2], [2])


def test_a_model_whose_files_are_gone_is_none_of_the_last(root: Path) -> None:
    (root / "2" / "Format-Serving" / "saved_model.pb").unlink()
    assert resolve(root, 3, [1, 2, 3]) == ([3], [3]), "and nothing leads from 3 to 1"
    assert resolve(root, 3, []) == ([], [])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"baseline_history": 0}, r"`gate\.baseline_history` must be 1, for the last, or more\. Received: 0"),
        ({"baseline_history": 7}, r"`gate\.baseline_history: 7` takes the best .* no metric of `gate\.bounds` has one"),
    ],
)
def test_a_history_without_a_bounded_loss_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GateConfig({"ndcg_p": BoundConfig(min=0.1)}, **settings)


def test_the_metric_is_the_first_whose_loss_is_bounded() -> None:
    bounds = {"hr_n": BoundConfig(max=0.1), "ndcg_p": BoundConfig(max_loss=0.1), "hr_p": BoundConfig(max_loss=0.1)}
    gate = GateConfig(bounds, baseline_history=7)
    assert gate.history_metric == "ndcg_p"
    note = "The last blessed model is here the best of the last 7, by ndcg_p (`gate.baseline_history`)."
    for baseline, notes in ((examples.BASELINE, [note]), (None, [])):
        report = judge.build_report(gate, examples.evaluation(baseline=baseline), blessing=True)
        assert [each for each in report.notes if "baseline_history" in each] == notes
