"""What the comparison of two models reads of an export."""

import json
from pathlib import Path

from pnfrec_core import schema
from serving.bulk.replay import catalogue_of


def test_titles_may_hold_signs_that_part_lines_elsewhere(tmp_path: Path) -> None:
    (tmp_path / schema.EXTRA_ASSETS).mkdir()
    records = [{"item_id": "a", "title": "one\u2028two"}, {"item_id": "b\u0085", "title": "three"}, {"item_id": "c"}]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    (tmp_path / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE).write_text(text, encoding="utf-8")
    assert catalogue_of(tmp_path) == {b"a": 0, "b\u0085".encode(): 1, b"c": 2}
