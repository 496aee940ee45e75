"""Feedback in a store that, as Beam's `s3://` does, opens nothing before Beam has got its options."""

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.localfilesystem import LocalFileSystem
from apache_beam.options.pipeline_options import PipelineOptions, S3Options

from components.feedback.config import FeedbackConfig
from components.feedback.reading.input_files import expand_files
from components.feedback.reading.inventory import inventory
from components.feedback.reading.keep_config import KeepReadConfig
from components.feedback.reading.stores import open_stores_with
from components.feedback.reading.text import TextSource
from components.feedback.run import LOCAL_BEAM_ARGS, generate
from components.feedback.spans.config import SpansConfig
from pnfrec_core.errors import FeedbackError

SCHEME = "pnfrectest://"
ENDPOINT = "http://localhost:9"
NOTHING_DROPPED: dict[str, Any] = {"min_item_users": 0, "min_user_items": 0, "min_positives": 0, "split": "none"}


class NeedsOptions(LocalFileSystem):
    """A folder of this machine as a store, which wants an option."""

    def __init__(self, pipeline_options: Any) -> None:
        super().__init__(pipeline_options)
        if not isinstance(pipeline_options, PipelineOptions):
            msg = "Must provide one of client or options"  # as Beam's S3 says it
            raise ValueError(msg)
        assert pipeline_options.view_as(S3Options).s3_endpoint_url == ENDPOINT

    @classmethod
    def scheme(cls) -> str:
        return SCHEME.removesuffix("://")

    def match(self, patterns: list[str], limits: Any = None) -> Any:
        found = super().match([pattern.removeprefix(SCHEME) for pattern in patterns], limits)
        for match in found:
            for metadata in match.metadata_list:
                metadata.path = SCHEME + metadata.path
        return found

    def open(self, path: str, *arguments: Any, **more: Any) -> Any:
        return super().open(path.removeprefix(SCHEME), *arguments, **more)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeedbackConfig:
    """As in a new process: no pipeline has told Beam's files its options."""
    monkeypatch.setattr(FileSystems, "_pipeline_options", None)
    (tmp_path / "a.csv").write_text("user,item,value,timestamp\nu,i,5,1\nu,j,1,2\nv,i,5,3\n")
    return FeedbackConfig(files=[f"{SCHEME}{tmp_path}/*.csv"], positive=4.0, **NOTHING_DROPPED)


def test_the_plan_knows_the_options(config: FeedbackConfig, tmp_path: Path) -> None:
    statistics = generate(config, tmp_path / "out", [*LOCAL_BEAM_ARGS, f"--s3_endpoint_url={ENDPOINT}"])
    assert statistics["rows"]["read"] == 3


def test_who_asks_before_a_pipeline_tells_the_options(config: FeedbackConfig) -> None:
    with pytest.raises(Exception, match="one of client or options"):
        inventory(config)
    open_stores_with([f"--s3_endpoint_url={ENDPOINT}"])
    assert inventory(config) != inventory(FeedbackConfig(files=[f"{SCHEME}/none.csv"]))


def test_a_file_in_a_store_counts_by_its_checksum_or_its_size_and_time(
    config: FeedbackConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_stores_with([f"--s3_endpoint_url={ENDPOINT}"])
    met = [inventory(config)]
    path = tmp_path / "a.csv"
    os.utime(path, (1, 1))  # the only thing that this store has beside the size
    met.append(inventory(config))
    with path.open("a") as file:
        file.write("v,j,1,4\n")
    os.utime(path, (1, 1))
    met.append(inventory(config))
    assert len(set(met)) == 3
    monkeypatch.setattr(NeedsOptions, "checksum", lambda _, path: f"etag of {path}")
    met.append(inventory(config))
    os.utime(path, (2, 2))  # written anew with the same content
    assert inventory(config) == met[3]
    monkeypatch.setattr(NeedsOptions, "checksum", lambda _, path: f"another etag of {path}")
    assert inventory(config) not in met


def test_rows_of_a_store_are_kept_where_it_has_checksums(
    config: FeedbackConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(config, keep_read=KeepReadConfig("always", str(tmp_path / "kept")))
    arguments = [*LOCAL_BEAM_ARGS, f"--s3_endpoint_url={ENDPOINT}"]
    generate(config, tmp_path / "out", arguments)
    assert not (tmp_path / "kept").exists()
    monkeypatch.setattr(NeedsOptions, "checksum", lambda _, path: f"etag of {path}")
    expected = generate(config, tmp_path / "kept-now", arguments)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    counted = itertools.count()
    monkeypatch.setattr(NeedsOptions, "checksum", lambda _, path: f"etag {next(counted)} of {path}")
    with pytest.raises(FeedbackError, match=r"a.csv: the file has changed while it was read"):
        generate(config, tmp_path / "changing", arguments)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    monkeypatch.setattr(NeedsOptions, "checksum", lambda _, path: f"etag of {path}")
    monkeypatch.setattr(TextSource, "_read", None)
    assert generate(config, tmp_path / "again", arguments) == expected


def test_spans_in_a_store(config: FeedbackConfig, tmp_path: Path) -> None:
    open_stores_with([f"--s3_endpoint_url={ENDPOINT}"])
    for name in ("2024-01-30/part-0.csv", "2024-02-01/part-0.csv", "2024-02-01/_SUCCESS", "2024-01-31/part-0.csv"):
        (tmp_path / "days" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "days" / name).write_text("user,item,value,timestamp\nu,i,5,1\n")
    for last in ("", "/*.csv"):
        pattern = f"{SCHEME}{tmp_path}/days/{{YYYY}}-{{MM}}-{{DD}}{last}"
        found = expand_files(dataclasses.replace(config, files=[pattern], spans=SpansConfig(2)))
        assert [path.removeprefix(f"{SCHEME}{tmp_path}/days/") for path in found] == [
            "2024-01-31/part-0.csv",
            "2024-02-01/part-0.csv",
        ]


def test_the_check_before_a_run_hands_options_on() -> None:
    code = (
        "from pipeline.store_check import main; from apache_beam.io.filesystems import FileSystems;"
        "from apache_beam.options.pipeline_options import S3Options;"
        f"main(['--s3_endpoint_url={ENDPOINT}', '/etc/hostname-that-is-not']);"
        "print(FileSystems._pipeline_options.view_as(S3Options).s3_endpoint_url)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["/etc/hostname-that-is-not\tthere is no such file.", ENDPOINT]
