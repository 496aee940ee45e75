import dataclasses
import html.parser
import re

from components.gate.report import html as page
from components.gate.report import judge
from tests.components.gate.report import examples

VOID = {"meta", "br", "line", "circle"}


class Reader(html.parser.HTMLParser):
    """Collects the texts of table rows, and checks that every tag is closed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


def test_tables() -> None:
    rows = read(page.to_html(examples.refused_report())).rows
    dash = chr(0x2013)
    assert rows[3:5] == [
        ["hr_n is 0.1000, above the bound of 0.08."],
        ["hr_delta", "0.1000", f"0.0533 {dash} 0.1453", "", "900", dash, "0.0800", "+0.0200", "not judged"],
    ]
    loss = [row for row in rows if row[0] == "ndcg_p"]
    bounds = f"{chr(0x2265)} 0.1loss {chr(0x2264)} 0.005"  # a line break stands between them
    assert loss == [["ndcg_p", "0.1200", f"0.1004 {dash} 0.1396", "", "500", bounds, "0.1300", "-0.0100", "fail"]]
    assert rows[-4:] == [
        ["5-9", "20", "0", "0.1200", dash, dash, "0.2000", "0.1000", "0.1000"],
        ["10-19", "20", "0", "0.1200", dash, dash, "0.2000", "0.1000", "0.1000"],
        ["target_popularity_bucket"],
        ["head", "20", "0", "0.1200", dash, dash, "0.2000", "0.1000", "0.1000"],
    ]


def test_verdict_and_reasons() -> None:
    text = page.to_html(examples.refused_report())
    assert (
        '<section class="verdict bad"><strong>NOT BLESSED</strong> 2 of 3 bounded metrics failed. '
        "They are hr_n, ndcg_p.<ul><li>hr_n is 0.1000, above the bound of 0.08.</li><li>ndcg_p fell by 0.0100"
    ) in text
    assert "<dt>Model</dt><dd>pipeline/Trainer/model/7</dd>" in text
    blessed = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), examples.evaluation(), blessing=True)
    assert (
        '<section class="verdict good"><strong>BLESSED</strong> the one bounded metric that could be judged is within '
        "its bounds. There was no baseline to compare with.</section>"
    ) in page.to_html(blessed)


def test_contradiction_stands_in_the_verdict() -> None:
    report = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), examples.evaluation(), blessing=False)
    text = page.to_html(report)
    assert text.count("By this report the model passes, by TFMA&#x27;s validation it passes") == 1
    assert "<ul><li>By this report the model passes" in text


def test_needs_nothing_from_outside() -> None:
    text = page.to_html(examples.refused_report())
    assert re.findall(r"https?:|src=|href=|url\(|@import|<script|<link", text) == []


def test_a_first_model_has_no_columns_of_a_last_one() -> None:
    first = judge.build_report(examples.gate(ndcg_p={"min": 0.1}), examples.evaluation(), blessing=True)
    assert '<table class="metrics alone">' in page.to_html(first)
    assert '<table class="metrics">' in page.to_html(examples.refused_report())
    assert ".alone .baseline { display: none; }" in page.to_html(first)


def test_on_a_phone_each_cell_carries_its_label() -> None:
    text = page.to_html(examples.refused_report())
    narrow = text[text.index("@media (max-width: 760px)") :]
    assert "thead { display: none; }" in narrow
    assert "content: attr(data-label)" in narrow
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>", row) for row in rows if "<td" in row and "colspan" not in row]
    assert {len(row) for row in cells} == {9}, "metrics and slices have nine columns each"
    unlabelled = [cell for row in cells for cell in row if "data-label" not in cell]
    assert set(unlabelled) == {'<td class="figure">', '<td class="text name">'}, "the figure, and the name of a slice"


def test_nothing_is_wider_than_the_screen() -> None:
    text = page.to_html(examples.refused_report())
    assert "overflow-x" not in text, "nobody has to scroll sideways"
    # The key of the figure has symbols of 18 pixels; all other widths are shares or upper limits.
    fixed = re.findall(r"(?<![a-z-])(?:min-)?width[:=] ?\"?(\d+)(?:px)?[;\" ]", text)
    assert set(fixed) == {"18"}


def test_texts_are_escaped() -> None:
    report = dataclasses.replace(examples.refused_report(), model="<b>&model</b>")
    text = page.to_html(report)
    assert "<dd>&lt;b&gt;&amp;model&lt;/b&gt;</dd>" in text
    read(text)
