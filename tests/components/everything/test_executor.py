"""EverythingGen on real files: every row that the filters keep is trained on, as its judged model understood it."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components.everything.component import EverythingGen
from components.everything.executor import Executor
from components.everything.origin import EVERYTHING
from components.feedback.config import FeedbackConfig, to_json
from components.feedback.reading.inventory import inventory
from components.feedback.run import LOCAL_BEAM_ARGS, generate
from pnfrec_artifacts import FeedbackStatistics, ItemVocabulary
from pnfrec_core import schema

pytestmark = pytest.mark.tensorflow


def write(folder: Path) -> FeedbackConfig:
    """Ten users who meet ten items, day after day; from day 8 on a new item, which all meet."""
    lines = ["user,item,value,timestamp"]
    for user in range(10):
        for day in range(10):
            item = "new" if day == 9 else f"i{(user + day) % 9}"
            lines.append(f"u{user},{item},{user + day},{1_700_000_000 + 86_400 * day + user}")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    return FeedbackConfig(
        files=["a.csv"], base=str(folder), min_item_users=2, min_user_items=2, test_quantile=0.8, recent_days=2.0
    )


def execute(folder: Path, config: FeedbackConfig, recorded: str = "") -> tuple[Path, dict[str, Any]]:
    generate(config, folder / "judged")
    statistics = FeedbackStatistics()
    statistics.uri = str(folder / "judged" / "statistics")
    kinds = {"examples": standard_artifacts.Examples, "vocabulary": ItemVocabulary, "statistics": FeedbackStatistics}
    outputs = {}
    for name, kind in kinds.items():
        outputs[name] = [kind()]
        outputs[name][0].uri = str(folder / "all" / name)
    executor = Executor(Executor.Context(beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(folder), unique_id="1"))
    executor.Do({"judged_statistics": [statistics]}, outputs, {"feedback": to_json(config), "inventory": recorded})
    assert artifact_utils.decode_split_names(outputs["examples"][0].split_names) == ["train"]
    return folder / "all", json.loads((folder / "all" / "statistics" / "statistics.json").read_text())


def test_the_held_out_rows_are_trained_on_too(tmp_path: Path) -> None:
    config = write(tmp_path)
    folder, found = execute(tmp_path, config)
    judged = json.loads((tmp_path / "judged" / "statistics" / "statistics.json").read_text())
    assert sum(judged["rows"]["kept"]["train"].values()) < 100
    assert sum(found["rows"]["kept"]["train"].values()) == found["rows"]["read"] == 100
    # Of all values the median is 9, of the training values less.
    assert found["positive"]["threshold"] == judged["positive"]["threshold"] < 9
    known = [json.loads(line) for line in (folder / "vocabulary" / "items.jsonl").read_text().splitlines()]
    before = (tmp_path / "judged" / "vocabulary" / "items.jsonl").read_text()
    assert "new" in {each[schema.VOCABULARY_ID] for each in known}
    assert '"new"' not in before
    # All of the last two days, and no more: on the last one, all users meet the new item.
    assert sum(each[schema.VOCABULARY_RECENT_POSITIVE_COUNT] for each in known) == 20
    files = list(map(str, (folder / "examples" / "Split-train").glob("*.gz")))
    dataset = tf.data.TFRecordDataset(files, compression_type="GZIP")
    records = [tf.train.Example.FromString(record.numpy()) for record in dataset]
    items = [item for record in records for item in record.features.feature["positive_item_ids"].bytes_list.value]
    items += [item for record in records for item in record.features.feature["negative_item_ids"].bytes_list.value]
    assert len(items) == 100
    assert items.count(b"new") == 10


def test_it_is_cached_by_settings_files_and_code(tmp_path: Path) -> None:
    config = write(tmp_path)
    statistics = channel_utils.as_channel([FeedbackStatistics()])

    def properties() -> dict[str, Any]:
        return dict(EverythingGen(config, statistics).exec_properties)

    first = properties()
    assert first["code"] == EVERYTHING.digest()
    assert properties() == first
    (tmp_path / "a.csv").write_text((tmp_path / "a.csv").read_text().replace("u9,", "v9,"))
    assert properties()["inventory"] != first["inventory"]


def test_rows_that_came_during_the_training_are_told_and_stop_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = write(tmp_path)
    recorded = inventory(config)
    execute(tmp_path, config, recorded)
    assert "have changed since the run began" not in caplog.text
    with (tmp_path / "a.csv").open("a") as file:
        file.write("u1,new,1,1700000000\n")
    (tmp_path / "more").mkdir()
    _, found = execute(tmp_path / "more", config, recorded)
    assert found["rows"]["read"] == 101
    assert "have changed since the run began" in caplog.text
