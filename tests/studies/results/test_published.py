"""The paper's numbers beside those of a study."""

import math

import pytest

from studies.results.published import MEASURES, beside_published, published
from studies.results.tables import ArmResult
from studies.study import load_study


def arm(name: str) -> ArmResult:
    return ArmResult(name, 5, 589, 343, 589, dict.fromkeys(MEASURES, 0.125), dict.fromkeys(MEASURES, 0.0625), {}, [])


def test_each_number_stands_beside_that_of_the_same_model() -> None:
    text = beside_published([arm("PNFRec"), arm("PNFRec, d = 64"), arm("SASRec_c")], "ml-1m", {"PNFRec": 40.6})
    head, _, *lines = text.splitlines()
    assert head == "Beside what the paper prints for ML-1M (arXiv 2508.14786, 5 trainings each):"
    assert [line.split()[0] for line in lines] == ["arm", "PNFRec", "SASRec_c"], "no number stands for another width"
    own = "0.1250+-0.0625"
    expected = [own, "0.1716+-0.0083", own, "0.1041+-0.0026", own, "0.0724+-0.0152", own, "0.0484+-0.0055", "41", "41"]
    assert lines[1].split()[1:] == expected
    assert lines[2].split()[-2:] == ["-", "52"]


def test_one_training_has_no_deviation() -> None:
    one = ArmResult("SASRec", 1, 9, 5, 9, dict.fromkeys(MEASURES, 0.5), dict.fromkeys(MEASURES, math.nan), {}, [])
    assert " 0.5000  0.1683+-0.0089" in beside_published([one], "ml-1m", {"SASRec": 3.0})


def test_other_data_have_none() -> None:
    text = beside_published([arm("PNFRec")], "movietweetings", {})
    assert text == "The paper prints no numbers for data named movietweetings."


@pytest.mark.parametrize("config", ["ml-1m", "ml-20m", "amazon-toys", "kion"])
def test_a_configuration_that_comes_with_it_has_the_name(config: str) -> None:
    assert config in {row["config"] for row in published()}


def test_the_study_of_the_paper_has_all_its_models() -> None:
    names = {arm.name for arm in load_study("paper").arms}
    assert {row["model"] for row in published() if row["config"] == "ml-1m"} <= names
