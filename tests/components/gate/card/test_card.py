"""What the card says, against the known numbers of a made-up run."""

import dataclasses
import re
from typing import Any

import pytest

from components.gate.card import card, markdown, page
from components.gate.card.document import MISSING, Document, Facts, Points, Table
from components.gate.card.sources import Sources
from components.gate.config import BoundConfig, GateConfig
from components.gate.report import judge
from components.gate.report.measured import SliceValues
from components.gate.responsiveness import Response, ResponsivenessConfig
from pnfrec_core import served
from pnfrec_keras.export.ranking import Ranking
from pnfrec_keras.ranking.rules import registry
from tests.components.gate.card import records
from tests.components.gate.report import examples


def blocks(document: Document, title: str, kind: Any) -> list[Any]:
    (section,) = [section for section in document.sections if section.title == title]
    return [block for block in section.blocks if isinstance(block, kind)]


def facts(document: Document, title: str) -> dict[str, str]:
    return dict(pair for block in blocks(document, title, Facts) for pair in block.pairs)


def plain(cells: tuple[str, ...]) -> list[str]:
    return [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in cells]


def test_title_and_verdict() -> None:
    made = card.make_card(records.sources())
    assert made.title == "Model card: tweets"
    assert made.lead[-2].text == "NOT BLESSED: 2 of 3 bounded metrics failed. They are hr_n, ndcg_p."  # type: ignore[union-attr]
    # Where the Pusher puts what it says of a refitted model.
    assert [text.count(served.JUDGED) for text in (markdown.to_markdown(made), page.to_html(made))] == [1, 1]


def test_the_model() -> None:
    told = facts(card.make_card(records.sources()), "The model")
    assert told["Date of training"] == "2026-11-29 12:00 UTC"
    assert told["Variant"].startswith("PNFRec: an encoder reads what was liked; a second one what was disliked")
    assert told["Width (dim)"] == "32"
    assert told["alpha, weight of the loss of disliked items"] == "0.45"
    assert told["beta, weight of the contrastive loss"] == "0.25"
    assert told["Epochs"] == "17, of which the weights of epoch 7 were kept"
    assert (told["Rule of its lists"], told["gamma, weight of the rule"]) == ("`like_odds`", "1.5")


def test_the_data() -> None:
    made = card.make_card(records.sources())
    assert facts(made, "Data") == {
        "Name": "tweets",
        "Files": "ratings-*.csv",
        "Times": "2013-02-28 14:38:27 UTC to 2013-09-04 05:00:00 UTC",
        "Read": "2,000 rows, 120 users, 70 items",
        "In training": "1,600 rows, 100 users, 55 items",
        "Liked is": "value >= 8",
        # 1,110 of 1,800 rows that were kept.
        "Share of likes": "61.7% of 1,800 rows",
        "Split": "global_time: rows from one time on are held out, of half of the users for validation, of the others "
        "for test; that time is 2013-08-15 21:31:28 UTC",
        "Targets": "the very last held-out row of each user",
    }
    (table,) = blocks(made, "Data", Table)
    assert table.rows == (
        ("train", "90", "-", "-", "1,600", "62.5%"),
        ("validation", "12", "12", "0", "100", "50.0%"),
        ("test", "900", "500", "400", "100", "60.0%"),
    )


def test_times_that_are_no_dates() -> None:
    statistics = {**records.STATISTICS, "times": {"unit": "order", "first_date": None, "last_date": None}}
    told = facts(card.make_card(records.sources(statistics=statistics)), "Data")["Times"]
    assert told == "not recorded as dates: they only put the rows in order"


def test_ids_of_people_are_no_part_of_it() -> None:
    text = markdown.to_markdown(card.make_card(records.sources()))
    assert "The feedback has 1 warning: see" in text
    assert "u000" not in text


def test_the_measures() -> None:
    made = card.make_card(records.sources())
    (table,) = blocks(made, "Measures", Table)
    lines = {line[0]: plain(line[1:]) for line in table.rows}
    assert lines["ndcg_p"] == [
        *("0.1200", "0.1004 to 0.1396", "500", ">= 0.1, loss <= 0.005"),
        *("0.1300", "-0.0100", "-0.0178 to -0.0022", "fail"),
    ]
    assert lines["hr_delta"][:5] == ["0.1000", "0.0533 to 0.1453", "900", "-", "0.0800"]
    assert "coverage" not in lines, "it stands among the limits"
    (why,) = blocks(made, "Measures", Points)
    assert why.texts[0] == "hr_n is 0.1000, above the bound of 0.08."


def test_a_first_model_is_compared_with_nothing() -> None:
    first = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), examples.evaluation(), blessing=True)
    made = card.make_card(records.sources(report=first))
    (table,) = blocks(made, "Measures", Table)
    assert table.header == ("measure", "value", "95 % interval", "examples", "bound", "verdict")
    assert "No blessed model yet: change bounds are not judged." in markdown.to_markdown(made)
    assert "Slices" not in [section.title for section in made.sections]


def test_the_slices() -> None:
    lengths, targets = blocks(card.make_card(records.sources()), "Slices", Table)
    assert [line[:4] for line in lengths.rows] == [("5-9", "20", "0", "0.1200"), ("10-19", "20", "0", "0.1200")]
    assert [line[:4] for line in targets.rows] == [("head", "20", "0", "0.1200")]


def test_bounded_slices_have_intervals() -> None:
    bound = BoundConfig(min=0.1)
    slice_bounds = {"target_popularity_bucket": {"head": {"ndcg_p": bound}}}
    gate = GateConfig(bounds={"ndcg_p": bound}, slice_bounds=slice_bounds)
    head = SliceValues("target_popularity_bucket", "head", examples.CANDIDATE, None)
    report = judge.build_report(gate, examples.evaluation(slices=(head,)), blessing=True)
    *_, bounded = blocks(card.make_card(records.sources(report=report)), "Slices", Table)
    assert [plain(line) for line in bounded.rows] == [
        ["ndcg_p in target_popularity_bucket = head", "0.1200", "0.1004 to 0.1396", "500", ">= 0.1", "ok"]
    ]


def test_the_limits() -> None:
    made = card.make_card(records.sources())
    told = facts(made, "Limits")
    assert told["Share of the catalogue in any list (coverage)"] == "0.3125; bound >= 0.3: ok"
    (table,) = blocks(made, "Limits", Table)
    assert table.rows == (
        ("head", "0.7500", "0.5000"),
        ("middle", "0.2500", "0.3000"),
        ("tail", "0.0000", "0.2000"),
    )


@pytest.mark.parametrize("rule", list(registry()))
def test_what_dislikes_do_by_the_rule(rule: str) -> None:
    ranking = dataclasses.replace(records.RANKING, rule=rule)
    (points,) = blocks(card.make_card(records.sources(ranking=ranking)), "What dislikes do", Points)
    assert points.texts[:2] == (
        f"The rule is `{rule}` with gamma 1.5. {registry()[rule].summary}",
        registry()[rule].without_dislikes,
    )
    assert "0.1000 (95 % interval 0.0743 to 0.1333) stand among the first 10" in points.texts[-1]


def test_a_rule_that_does_not_act_or_is_not_known() -> None:
    def first(ranking: Ranking | None) -> str:
        (points,) = blocks(card.make_card(records.sources(ranking=ranking)), "What dislikes do", Points)
        return str(points.texts[0])

    assert first(dataclasses.replace(records.RANKING, gamma=0.0)).endswith("with gamma 0, so it does not act.")
    assert first(dataclasses.replace(records.RANKING, rule="somebody's")).endswith("is not recorded.")
    assert first(None).endswith("is not recorded.")


def test_one_history_of_both() -> None:
    mixed = {**records.CONFIG, "model": {**records.CONFIG["model"], "variant": "SASRec"}}
    (points,) = blocks(card.make_card(records.sources(config=mixed)), "What dislikes do", Points)
    assert any("there is no `with_negatives`" in text for text in points.texts)


def test_only_what_acts_is_told() -> None:
    def told(**changes: Any) -> dict[str, str]:
        config = {**records.CONFIG, "model": {**records.CONFIG["model"], **changes}}
        return facts(card.make_card(records.sources(config=config)), "The model")

    alpha, beta = "alpha, weight of the loss of disliked items", "beta, weight of the contrastive loss"
    assert {alpha, beta} <= told().keys()
    assert not {alpha, beta} & told(variant="SASRec_p").keys()
    # A weight of 0 takes its term away.
    assert told(alpha=0.0)["Variant"] == "PNFRec: an encoder reads what was liked; with a contrastive loss"
    assert told(beta=0.0)["Variant"].endswith("what was disliked, with a loss of its own")
    assert told(variant="SASRec")["Items read of a history (max_length)"] == "100 of both polarities, twice the setting"
    assert told(eta=0.2, preference=0.0)['eta, weight of "not to recommend"'] == "0.2"
    assert len(told(eta=0.2, preference=0.0)) == len(told()) + 1


def test_what_a_dislike_does_is_told_where_it_is_bounded() -> None:
    gate = dataclasses.replace(examples.gate(ndcg_p={"min": 0.1}), responsiveness=ResponsivenessConfig(min=0.25))
    report = judge.build_report(gate, examples.evaluation(), blessing=True, response=Response(0.5, 0.125, 83))
    made = card.make_card(records.sources(report=report))
    (table,) = blocks(made, "Measures", Table)
    assert plain(table.rows[-1]) == ["response_near", "0.5000", "0.2550 to 0.7450", "83", ">= 0.25", "ok"]
    (points,) = blocks(made, "What dislikes do", Points)
    assert points.texts[-1].startswith("response_near 0.5000 is not below its `min` of 0.25")


def test_what_is_not_recorded_is_said_to_be_missing() -> None:
    made = card.make_card(Sources(report=examples.refused_report()))
    assert made.title == "Model card"
    told = {**facts(made, "The model"), **facts(made, "Data"), **facts(made, "Software")}
    assert set(told.values()) == {MISSING}
    # No number but those of the report, of commands and of words.
    (section,) = [section for section in made.sections if section.title == "Data"]
    assert not re.search(r"\d", markdown.to_markdown(Document("", (), (section,))))
