"""What `pnfrec query` asks for and shows, apart from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.client import ModelMetadata
from serving.contract import Recommendations
from serving.query import ask, render, to_record


class Client:
    """Says that version 1 serves, though 3 is newer, and answers with version 2, as at a takeover between the calls."""

    target, model_name, version = "here:1", "pnfrec", None

    def metadata(self) -> ModelMetadata:
        return ModelMetadata(1, {})

    def recommend(self, positive: list[str], exclude: list[str], k: int, **asked: Any) -> Recommendations:
        del positive, exclude
        if asked["explain"]:
            found = [("new", 2.0), ("old", 1.0)]
            return Recommendations(found, False, 1, 2, [2.5, 1.0], ["drama", ""], len(asked["allow"] or []) - 1)
        return Recommendations([("new", 2.0), ("old", 1.0)][:k], False, 1, version=2)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    catalogues = {1: {"old": "Old (1999)"}, 2: {"old": "Old (1999)", "new": "New (2026)"}, 3: {"other": "Other"}}
    for version, titles in catalogues.items():
        extra = tmp_path / str(version) / "assets.extra"
        extra.mkdir(parents=True)
        (tmp_path / str(version) / "saved_model.pb").touch()
        lines = (
            json.dumps({"item_id": item, "count": 1, "positive_count": 1, "title": titles[item]}) for item in titles
        )
        (extra / "items.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_titles_are_those_of_the_version_that_answered(base: Path) -> None:
    client: Any = Client()
    answer = ask(client, ["Old (1999)"], [], 2, base=base)
    assert [entry.item_id for entry in answer.history] == ["old"]
    assert "New (2026)" in render(answer)
    assert "version 2" in render(answer)


def test_what_the_dislikes_moved_and_what_is_not_known_are_shown(base: Path) -> None:
    client: Any = Client()
    answer = ask(client, ["old"], [], 2, base=base, allow=["old", "nobody"], explain=True, keep_unknown=True)
    text = render(answer)
    assert "Allowed, 2 items; the model does not know 1 of them:" in text
    header, first, second = text.splitlines()[-3:]
    assert header.split() == ["rank", "title", "id", "score", "before", "group"]
    assert first.split() == ["1", "New", "(2026)", "new", "2.0000", "2.5000", "drama"]
    assert second.split() == ["2", "Old", "(1999)", "old", "1.0000", "1.0000"]
    record = to_record(answer)
    assert [(item["score_without_rule"], item["group"]) for item in record["items"]] == [(2.5, "drama"), (1.0, None)]
    assert [entry["known"] for entry in record["allow"]] == [True, False]
    assert record["unknown_allowed"] == 1
