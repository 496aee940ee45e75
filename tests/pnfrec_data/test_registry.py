"""The registry agrees with itself, with the configurations, and with the data that ships."""

import hashlib
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.feedback.reading.input_files import expand_files
from pipeline.config import load_config
from pnfrec_core.errors import FeedbackError
from pnfrec_data import made, registry

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", registry.DATA_SETS)
def test_an_entry_is_complete(name: str) -> None:
    data = registry.DATA_SETS[name]
    assert (ROOT / "pnfrec_data" / "formats" / f"{data.format}.py").exists()
    for file in data.files:
        assert file.url.startswith("https://")
        assert file.url.endswith(f"/{file.name}")
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert data.licence.endswith(".")


@pytest.mark.parametrize("name", registry.DATA_SETS)
def test_every_data_set_has_a_config_that_reads_what_prepare_writes(name: str) -> None:
    config = load_config(ROOT / "configs" / f"{name}.yaml")
    folder = f"data/{name}"
    assert config.name == name
    assert config.feedback.base == str(ROOT)
    assert config.feedback.files == [f"{folder}/{made.RATINGS}"]
    if config.feedback.titles is not None:
        assert config.feedback.titles.file == f"{folder}/{registry.DATA_SETS[name].titles}"
        assert (config.feedback.titles.item, config.feedback.titles.title) == ("item", "title")


def test_the_paper_s_thresholds() -> None:
    paper = {"ml-1m": 4, "ml-20m": 4, "amazon-toys": 5, "amazon-sports": 5, "zvuk": 30, "kion": "median"}
    for name, positive in paper.items():
        feedback = load_config(ROOT / "configs" / f"{name}.yaml").feedback
        assert (feedback.positive, feedback.split) == (positive, "global_time")


def test_missing_data_is_named_with_the_command_that_gets_it(tmp_path: Path) -> None:
    config = load_config(ROOT / "configs" / "zvuk.yaml", [f"feedback.base={tmp_path}"])
    with pytest.raises(FeedbackError, match=r"no file .*zvuk/ratings.parquet. Get it with `pnfrec data fetch zvuk`"):
        expand_files(config.feedback)
    assert registry.remedy("/x/data/mine/ratings.parquet") is None
    assert registry.remedy("/x/zvuk/ratings.parquet") is None


def test_the_record_of_the_data_that_ships_is_true() -> None:
    folder = ROOT / "data" / "movietweetings"
    record = json.loads((folder / made.RECORD).read_text(encoding="utf-8"))
    table = pq.read_table(folder / made.RATINGS)
    found = (table.num_rows, len(set(table["user"].to_pylist())), len(set(table["item"].to_pylist())))
    # That of `movies.dat` and `ratings.dat` together, which is what the registry expects of a download.
    digests = [file.sha256 or "" for file in registry.find("movietweetings").files]
    assert hashlib.sha256("\n".join(digests).encode()).hexdigest() == record["sha256"]
    assert [file.size for file in registry.find("movietweetings").files] == [2_945_101, 542_192]
    assert found == registry.find("movietweetings").counts == (record["rows"], record["users"], record["items"])
