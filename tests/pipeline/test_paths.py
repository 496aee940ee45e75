"""What a path of a configuration may be, and where it leads."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.feedback.config import FeedbackConfig
from pipeline.config import ConfigError, PipelineConfig, load_config
from tests.pipeline.world import write_config

HERE = "/somewhere/on/this machine"


def feedback(*files: str, **settings: Any) -> dict[str, Any]:
    return {"files": list(files) or ["ratings.csv"], **settings}


def load(tmp_path: Path, **changes: Any) -> PipelineConfig:
    return load_config(write_config(tmp_path, **changes))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("file:///data/x.csv", "/data/x.csv"),
        ("FILE:///data/x.csv", "/data/x.csv"),
        ("file://localhost/data/x.csv", "/data/x.csv"),
        ("file:/data/x.csv", "/data/x.csv"),
        ("file:///with%20blank/x.csv", "/with blank/x.csv"),
        ("file:///data/*.csv", "/data/*.csv"),
        ("~/x.csv", "HOME/x.csv"),
        ("~", "HOME"),
        ("./~x/y.csv", "./~x/y.csv"),
        ("sub/~/y.csv", "sub/~/y.csv"),
        ("sub/*.csv", "sub/*.csv"),
        ("gs://bucket/x.csv", "gs://bucket/x.csv"),
        ("S3://Bucket/x.csv", "s3://Bucket/x.csv"),
        ("azfs://account/x.csv", "azfs://account/x.csv"),
        ("a:b.csv", "a:b.csv"),
    ],
)
def test_feedback_and_titles_may_be_named_in_each_of_these_ways(
    tmp_path: Path, home: Path, written: str, meant: str
) -> None:
    meant = meant.replace("HOME", str(home))
    config = load(tmp_path, feedback=feedback(written, "other.csv", titles={"file": written}))
    assert config.feedback.files == [meant, "other.csv"]
    assert config.feedback.titles is not None
    assert config.feedback.titles.file == meant
    assert config.feedback.base == str(tmp_path)


@pytest.mark.parametrize("key", ["output", "serving", "feedback.base"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [("file:///data/x", "/data/x"), ("~/x", "HOME/x"), ("~", "HOME"), ("sub/../x", "FOLDER/x"), ("/y/./x", "/y/x")],
)
def test_a_folder_may_be_named_in_each_of_these_ways(
    tmp_path: Path, home: Path, key: str, written: str, meant: str
) -> None:
    config = load_config(write_config(tmp_path), [f"{key}='{written}'"])
    found = {"output": config.output, "serving": config.serving, "feedback.base": config.feedback.base}[key]
    assert found == meant.replace("HOME", str(home)).replace("FOLDER", str(tmp_path))


def test_a_base_in_a_store_stays(tmp_path: Path) -> None:
    assert load(tmp_path, feedback=feedback(base="GS://bucket/x")).feedback.base == "gs://bucket/x"


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("s3a://bucket/x.csv", "Write it as s3://, or copy the files to this machine."),
        ("s3n://bucket/x.csv", "Write it as s3://, or copy the files to this machine."),
        ("abfss://c@account/x.csv", "Write it as azfs://, or copy the files to this machine."),
        ("hdfs://node:8020/x.csv", "Copy the files to this machine, and name them there."),
        ("https://example.org/x.csv", "Copy the files to this machine, and name them there."),
        ("ftp://example.org/x.csv", "Copy the files to this machine, and name them there."),
        ("dbfs+x.y-z://x.csv", "Copy the files to this machine, and name them there."),
    ],
)
@pytest.mark.parametrize("key", ["feedback.files", "feedback.base", "feedback.titles.file"])
def test_what_no_reader_opens_is_refused_at_once(tmp_path: Path, key: str, written: str, advice: str) -> None:
    value = f"[{written}]" if key == "feedback.files" else written
    config = write_config(tmp_path, feedback=feedback(titles={"file": "titles.csv"}))
    with pytest.raises(ConfigError) as caught:
        load_config(config, [f"{key}={value}"])
    assert str(caught.value) == (
        f"{config}: paths that cannot be used:\n  `{key}`: {written} cannot be read: feedback lies on this machine (a "
        f"path, ~/ or file:///) or in a store that Beam opens (gs://, s3://, azfs://). {advice}"
    )


@pytest.mark.parametrize("key", ["output", "serving"])
@pytest.mark.parametrize("written", ["gs://bucket/x", "s3a://b/x", "hdfs://n/x", "https://example.org/x"])
def test_what_is_written_stays_on_this_machine(tmp_path: Path, key: str, written: str) -> None:
    with pytest.raises(ConfigError, match=rf"`{key}` must be a folder of this machine. Received: '{written}'"):
        load_config(write_config(tmp_path), [f"{key}={written}"])


@pytest.mark.parametrize("key", ["output", "serving", "feedback.base", "feedback.files"])
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("file://server/share/x", "file://server/share/x names another machine. Expected file:/// and a path from"),
        ("file://", "file:// names another machine"),
        ("~nobody-of-that-name/x", "there is no home folder of ~nobody-of-that-name. Write the path in full, or ./~no"),
        ("a\0b", r"'a\x00b' holds a NUL character"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path, key: str, written: str, message: str) -> None:
    changes: dict[str, Any] = {key: written}
    if key.startswith("feedback."):
        changes = {"feedback": feedback(**{key.removeprefix("feedback."): written})}
        if key == "feedback.files":
            changes = {"feedback": feedback(written)}
    with pytest.raises(ConfigError, match=re.escape(f"`{key}`: {message}")):
        load(tmp_path, **changes)


@pytest.mark.parametrize(
    ("key", "sign"),
    [("output", "["), ("output", "*"), ("output", "?"), ("output", "\\"), ("serving", "["), ("serving", "\\")],
)
def test_a_folder_that_would_be_taken_for_a_pattern_is_refused(tmp_path: Path, key: str, sign: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **{key: f"runs{sign}1"})
    assert str(caught.value).endswith(
        f"`{key}`: {tmp_path}/runs{sign}1 holds {sign}, which TFX and TensorFlow take for a pattern. Choose a folder "
        "without."
    )


@pytest.mark.parametrize("sign", ["*", "?"])
def test_a_serving_folder_may_have_the_signs_that_it_fits_itself(tmp_path: Path, sign: str) -> None:
    assert load(tmp_path, serving=f"runs{sign}1").serving == f"{tmp_path}/runs{sign}1"


def test_the_whole_path_of_the_output_counts(tmp_path: Path) -> None:
    folder = tmp_path / "[old] project"
    folder.mkdir()
    with pytest.raises(ConfigError, match=r"`output`: .*/\[old\] project/out holds \[, which TFX and"):
        load(folder)
    assert load_config(write_config(folder), [f"output={tmp_path / 'out'}"]).output == str(tmp_path / "out")


@pytest.mark.parametrize("name", ["o ut", "o{a,b}", "o]d", "ö#%20,:é'$x;&", "a@2"])
def test_other_signs_may_stand_in_the_name_of_a_folder(tmp_path: Path, name: str) -> None:
    assert load(tmp_path, output=name).output == str(tmp_path / name)


def test_every_path_that_cannot_be_used_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            tmp_path,
            output="runs[1]",
            serving="https://example.org",
            feedback=feedback("hdfs://n/x.csv", "hdfs://n/x.csv", "s3a://b/y.csv", base="~nobody-of-that-name"),
        )
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines[1:]] == [
        "  `feedback.base`",
        "  `feedback.files`",
        "  `feedback.files`",
        "  `output`",
        "  `serving` must be a folder of this machine. Received",
    ]


def test_an_output_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`output` is empty: name the folder that artifacts, metadata and logs go to"):
        load(tmp_path, output="")


def test_settings_made_in_code_are_left_as_they_are() -> None:
    assert FeedbackConfig(files=["~/x.csv"]).files == ["~/x.csv"]


def test_the_folder_of_kept_rows_counts_from_the_file_and_is_of_this_machine(tmp_path: Path) -> None:
    config = load(tmp_path, feedback=feedback(keep_read={"folder": "kept"}))
    assert config.feedback.keep_read.folder == str(tmp_path / "kept")
    with pytest.raises(ConfigError, match=r"`feedback.keep_read.folder` must be a folder of this machine"):
        load(tmp_path, feedback=feedback(keep_read={"folder": "gs://bucket/kept"}))
