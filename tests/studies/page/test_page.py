"""The page of a study and the document of all."""

import csv
import dataclasses
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from studies.commands.document import to_markdown
from studies.outputs import SUMMARY
from studies.page import build, pictures, sentences
from studies.results.bootstrap import Interval
from studies.results.published import PUBLISHED, published
from studies.results.summary import Summary, SummaryError, read
from tests.studies import made_up

VOID = {"meta", "img", "br", "link"}


@pytest.fixture(autouse=True, scope="module")
def _drawn_once() -> Iterator[None]:
    """The pictures of a summary are the same each time, and to draw them takes longer than all else here."""
    drawn: dict[str, list[pictures.Picture]] = {}
    draw = pictures.of_results

    def of_results(summary: Summary) -> list[pictures.Picture]:
        if (key := summary.to_json()) not in drawn:
            drawn[key] = draw(summary)
        return list(drawn[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "of_results", of_results)
        yield


class Checker(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.images += 1
            assert (dict(attrs)["src"] or "").startswith("data:image/svg+xml;base64,")
            assert dict(attrs)["alt"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def put(folder: Path, summary: Summary) -> Path:
    folder.mkdir(parents=True)
    (folder / SUMMARY).write_text(summary.to_json(), encoding="utf-8")
    (folder / "results.csv").write_text("arm,seed\nbase,1\n", encoding="utf-8")
    return folder


def checked(folder: Path, summary: Summary) -> Checker:
    text = build(put(folder, summary)).read_text(encoding="utf-8")
    checker = Checker()
    checker.feed(text)
    assert not checker.open
    assert "<b>it" not in text
    return checker


def test_a_summary_comes_back_as_it_was(tmp_path: Path) -> None:
    for place, summary in enumerate((made_up.two_arms(), made_up.grid())):
        assert read(put(tmp_path / str(place), summary) / SUMMARY) == summary


def test_what_is_no_summary_is_named(tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text('{"study": "x"}', encoding="utf-8")
    with pytest.raises(SummaryError, match=r"summary\.json: not the summary of a study: `question`"):
        read(tmp_path / SUMMARY)


def test_the_page_is_well_formed_and_escapes(tmp_path: Path) -> None:
    page = checked(tmp_path / "study", made_up.two_arms(missing=["other_one, seed <3>"]))
    assert "Is <b>it</b> better & why?" in page.text
    assert "other_one, seed <3>" in page.text
    assert "+0.1000 [+0.0900, +0.1100]" in page.text
    assert "18 liked (p), 12 disliked (n)" in page.text
    assert page.images == 3


def test_what_a_study_asks_for_beside_the_ranks_has_tables_of_its_own(tmp_path: Path) -> None:
    base, other = made_up.two_arms().arms
    later = {"later_hr_n": 0.25, "response_near": 0.125}
    sure = {"response_near": Interval(0.1, 0.05, 0.15), "later_hr_n": Interval(0.2, 0.1, 0.3)}
    arms = [
        dataclasses.replace(base, mean={**base.mean, "later_hr_n": 0.0625}),
        dataclasses.replace(other, mean={**other.mean, **later}, against={**other.against, **sure}),
    ]
    declaration = {"name": "tiny", "later_days": 30.0}
    asked = made_up.summary(arms, declaration=declaration)
    page = checked(tmp_path / "study", asked)
    assert "likes (p) and dislikes (n) in the next 30 days" in page.text
    for text in ("response near", "0.0625", "+0.2000 [+0.1000, +0.3000]"):
        assert text in page.text
    assert "copy before" not in page.text, "no arm has it"
    found = " ".join(sentences.findings(asked))
    assert "response near (+0.1000" in found[found.index("better in") : found.index("worse in")]
    assert "later hr n (+0.2000" in found[found.index("worse in") :]
    document = to_markdown([(asked, [], "place")], "folder", "home", "output")
    assert "in the next 30 days" in document
    assert "| later hr n |" in document
    plain = checked(tmp_path / "plain", made_up.two_arms()).text
    assert "What a dislike does" not in plain
    assert "later" not in plain


def lone_arm() -> Summary:
    """One arm, one seed, no disliked target."""
    arm = made_up.arm("base", 1, seeds=[1])
    kept = {name: value for name, value in arm.mean.items() if name.endswith("_p") or name == "coverage"}
    data = dataclasses.replace(made_up.two_arms().data, positive_targets=30)
    return made_up.summary([dataclasses.replace(arm, mean=kept, trials=[kept])], data=data)


@pytest.mark.parametrize(
    ("summary", "images", "says"),
    [
        (lone_arm(), 1, ["no standard deviation", "nothing is compared", "No test target is disliked"]),
        (made_up.two_arms(reference="absent"), 3, ["The reference absent has no trial yet"]),
        (made_up.grid(), 5, ["Of the grid, validation NDCG@10", "chooses alpha 0.5, beta 1."]),
        (made_up.two_arms(alike=[["base", "other_one"]]), 3, ["base and other_one are the same"]),
        (made_up.grid(6, 6), 4, ["of 34 arms", "leave zero out by chance"]),
    ],
)
def test_odd_studies_have_a_page_that_says_what_is_missing(
    tmp_path: Path, summary: Summary, images: int, says: list[str]
) -> None:
    page = checked(tmp_path / "study", summary)
    assert page.images == images
    for text in says:
        assert text in page.text


def test_a_second_arm_of_comparison_has_a_table_of_its_own(tmp_path: Path) -> None:
    page = checked(tmp_path / "study", made_up.three_arms())
    assert page.text.index("Differences from base") < page.text.index("Differences from second")
    assert "-0.2000 [-0.2200, -0.1800]" in page.text[page.text.index("Differences from second") :]
    put(tmp_path / "runs" / "tiny", made_up.three_arms())
    output = tmp_path / "results.md"
    assert collect(tmp_path / "runs", output).exit_code == 0
    document = output.read_text(encoding="utf-8")
    assert document.count("| arm, less ") == 2
    rows = document[document.index("| arm, less second") :].splitlines()[2:4]
    assert [row.split(" | ")[2] for row in rows] == ["base", r"other\_one"]
    linked = re.findall(r"!\[[^]]*\]\(([^)]+)\)", document)
    assert linked
    assert all((tmp_path / link).is_file() for link in linked)
    # What a study is about is the first: findings and pictures are of that alone.
    assert [each.partition(":")[0] for each in sentences.findings(made_up.three_arms())] == ["other_one", "second"]
    assert sorted(re.findall(r"Differences from (\w+)", page.text)) == ["base", "base", "second"]
    many = dataclasses.replace(made_up.grid(6, 6), beside="second")
    assert "The same from" not in to_markdown([(many, [], "place")], "folder", "home", "output"), "no table, no heading"
    assert "second has no trial yet" in " ".join(sentences.gaps(many))


def test_findings_say_which_way_is_better() -> None:
    (found,) = sentences.findings(made_up.two_arms())
    assert found == (
        "other_one: better in NDCG_p (+0.1000), ΔNDCG (+0.1000), ΔHR (+0.1000); worse in NDCG_n (+0.1000), "
        "HR_n (+0.1000)."
    )
    same = made_up.arm("same", 1, against=made_up.differences(0.0, 0.1))
    assert sentences.findings(made_up.summary([made_up.arm("base", 1), same])) == [
        "same: no difference from base that the intervals tell from zero."
    ]


def test_rules_of_polarity_have_a_table_of_what_they_make_of_the_rows(tmp_path: Path) -> None:
    low = {"train": {"positive": 1200, "negative": 400}, "test": {"positive": 30, "negative": 0}}
    high = {"train": {"positive": 400, "negative": 1200}, "test": {"positive": 10, "negative": 20}}
    arms = [made_up.arm("low", 1, rows=low), made_up.arm("high", 2, rows=high)]
    found = made_up.summary(arms)
    assert sentences.shares(found) == [
        ["low", "1,200", "400", "75 %", "30", "0"],
        ["high", "400", "1,200", "25 %", "10", "20"],
    ]
    assert "1,200" in checked(tmp_path / "page", found).text
    assert collect(put(tmp_path / "studies" / "tiny", found).parent, tmp_path / "results.md").exit_code == 0
    assert "| low | 1,200 | 400 | 75 % | 30 | 0 |" in (tmp_path / "results.md").read_text(encoding="utf-8")
    assert not sentences.shares(made_up.summary([made_up.arm("a", 1, rows=low), made_up.arm("b", 1, rows=low)]))
    assert not sentences.shares(made_up.two_arms())


def collect(studies: Path, output: Path) -> Any:
    return CliRunner().invoke(main, ["results", "--studies", str(studies), "--output", str(output)])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_document_is_made_again_from_its_own_folder(tmp_path: Path) -> None:
    put(tmp_path / "runs" / "small" / "tiny", made_up.two_arms())
    put(tmp_path / "runs" / "small" / "map", dataclasses.replace(made_up.grid(), study="map"))
    output = tmp_path / "docs" / "results.md"
    output.parent.mkdir()
    result = collect(tmp_path / "runs", output)
    assert result.exit_code == 0, result.output
    assert "2 studies" in result.output
    first = contents(output.parent)
    assert {"results.md", "results/small/tiny/summary.json", "results/small/tiny/results.csv"} <= first.keys()
    assert "results/small/tiny/differences.svg" in first
    assert max(map(len, first.values())) < 300_000
    assert collect(tmp_path / "docs" / "results", output).exit_code == 0
    assert contents(output.parent) == first
    text = first["results.md"].decode("utf-8")
    assert str(tmp_path) not in text
    assert text.index("### map") < text.index("### tiny") < text.index("## Published")


def test_each_row_of_ours_names_its_data_and_published_rows_stand_apart(tmp_path: Path) -> None:
    put(tmp_path / "runs" / "tiny", made_up.two_arms())
    output = tmp_path / "results.md"
    assert collect(tmp_path / "runs", output).exit_code == 0
    ours, _, theirs = output.read_text(encoding="utf-8").partition("## Published")
    rows = [line for line in ours.splitlines() if line.startswith("|") and "---" not in line and "NDCG" not in line]
    assert len(rows) == 3
    assert all(line.startswith("| small | global\\_time split, last targets, positive: value >= 4 |") for line in rows)
    assert "| other\\_one | 2 | 0.2000 ± 0.0014 |" in ours
    assert "**+0.1000 \\[+0.0900, +0.1100\\]**" in ours
    assert "| +0.1000 \\[-0.2000, +0.4000\\] |" in ours
    published_rows = [line for line in theirs.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(published_rows) == 16
    assert all("arXiv 2508.14786, not run here" in line for line in published_rows)
    assert "ML-1M" not in ours


def test_a_study_copied_earlier_stays_until_its_folder_is_removed(tmp_path: Path) -> None:
    output = tmp_path / "results.md"
    put(tmp_path / "one" / "tiny", made_up.two_arms())
    put(tmp_path / "two" / "later", made_up.two_arms(study="later"))
    assert "1 study" in collect(tmp_path / "one", output).output
    assert "2 studies" in collect(tmp_path / "two", output).output


def test_two_of_one_name_and_none_at_all_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = collect(tmp_path / "empty", tmp_path / "results.md")
    assert result.exit_code == 2
    assert "Run a study first" in result.output
    put(tmp_path / "runs" / "a", made_up.two_arms())
    put(tmp_path / "runs" / "b", made_up.two_arms())
    result = collect(tmp_path / "runs", tmp_path / "results.md")
    assert result.exit_code == 2
    assert "both of the study tiny on small" in result.output
    assert not (tmp_path / "results.md").exists()


@pytest.mark.parametrize(
    ("data", "model", "measure", "value", "sd"),
    [
        ("ML-1M", "PNFRec", "hr_p", 0.1716, 0.0083),
        ("ML-1M", "SASRec_c", "ndcg_delta", -0.0174, 0.0036),
        ("ML-20M", "SASRec", "ndcg_p", 0.0545, 0.0011),
        ("Toys & Games", "SASRec", "hr_delta", -0.0425, 0.0116),
        ("Kion", "PNFRec", "ndcg_delta", 0.0700, 0.0010),
    ],
)
def test_published_numbers_are_those_of_the_paper(data: str, model: str, measure: str, value: float, sd: float) -> None:
    (row,) = [each for each in published() if (each["data"], each["model"]) == (data, model)]
    assert math.isclose(float(row[measure]), value)
    assert math.isclose(float(row[f"{measure}_sd"]), sd)


def test_published_rows_are_complete() -> None:
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 17
    assert all(len(row) == len(rows[0]) and all(row) for row in rows)
