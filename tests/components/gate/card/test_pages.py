"""The card as Markdown and as HTML: nothing from data or settings becomes a part of the page."""

import re

from components.gate.card import card, markdown, page
from components.gate.card.document import Commands, Document, Facts, Paragraph, Points, Section, Table, Words
from tests.components.gate.card import records
from tests.components.gate.report.test_html import read

EVIL = "<script>alert('x')</script> [a](javascript:b) `c` | *d* & \"e\"\n# f"


def test_html_is_escaped() -> None:
    config = {**records.CONFIG, "name": EVIL, "feedback": {"files": [EVIL]}}
    versions = {"keras": EVIL}
    text = page.to_html(card.make_card(records.sources(config=config, manifest={"versions": versions})))
    assert text.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") >= 4
    assert "<script" not in text
    assert "<code>c</code>" not in text, "only our own text marks code"
    read(text)
    labelled = page.to_html(Document("", (Table(('"a"', '"><b>'), (("c", "<d>"),)),), ()))
    assert '<td data-label="&quot;&gt;&lt;b&gt;">&lt;d&gt;</td>' in labelled


def test_markdown_is_escaped() -> None:
    text = markdown.to_markdown(Document("t", (Facts((("name", EVIL),)), Table(("a", "b"), ((EVIL, "c"),))), ()))
    escaped = r"""\<script>alert('x')\</script> \[a\](javascript:b) \`c\` \| \*d\* & "e" # f"""
    assert text.splitlines()[2] == f"- **name**: {escaped}"
    assert text.splitlines()[-1] == f"| {escaped} | c |"


def test_no_text_opens_a_block_of_markdown() -> None:
    lines = ["- a", "+ b", "# c", "> d", "1. e", "12) f", "--- g", "== h", "3.5 i", "__init__ snake_case"]
    made = markdown.to_markdown(Document("t", (*(Paragraph(line) for line in lines), Points(("- j",))), ()))
    assert made.split("\n\n")[1:] == [
        *(r"\- a", r"\+ b", r"\# c", r"\> d", r"1\. e", r"12\) f", r"\--- g", r"\== h", "3.5 i"),
        *(r"\_\_init\_\_ snake_case", "- \\- j\n"),
    ]


def test_our_own_words_mark_code() -> None:
    document = Document("t", (), (Section("s", (Paragraph(Words("`a_b` < c")), Commands(("pnfrec <x>",)))),))
    assert "## s\n\n`a_b` < c\n\n```\npnfrec <x>\n```\n" in markdown.to_markdown(document)
    assert "<h2>s</h2>\n<p><code>a_b</code> &lt; c</p>\n<pre>pnfrec &lt;x&gt;</pre>" in page.to_html(document)


def test_the_page_needs_nothing_from_outside_and_no_wide_screen() -> None:
    text = page.to_html(card.make_card(records.sources()))
    assert re.findall(r"https?:|src=|href=|url\(|@import|<script|<link|overflow-x", text) == []
    narrow = text[text.index("@media (max-width: 1060px)") :]
    assert "thead { display: none; }" in narrow
    assert "content: attr(data-label)" in narrow
    rows = read(text).rows
    assert ["ndcg_p", "0.1200"] in [row[:2] for row in rows]
    cells = re.findall(r"<td[^>]*>", text)
    assert cells
    assert all("data-label=" in cell for cell in cells)
