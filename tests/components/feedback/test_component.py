"""FeedbackGen as a TFX component."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tfx import v1 as tfx
from tfx.components.util import examples_utils
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.types import artifact_utils, standard_artifacts

from components.feedback import component as feedback_component
from components.feedback.component import FeedbackGen
from components.feedback.config import FeedbackConfig, TitlesConfig, from_json
from components.feedback.executor import Executor
from components.feedback.origin import EXAMPLES
from components.feedback.run import LOCAL_BEAM_ARGS, generate
from pnfrec_artifacts import FeedbackStatistics, ItemVocabulary
from pnfrec_core.errors import FeedbackError
from pnfrec_core.provenance import Code
from tests.components.feedback import support
from tests.components.feedback.made_up import some_rows


def test_outputs_and_parameters() -> None:
    component = FeedbackGen(FeedbackConfig(files=["a*.csv", "/b.dat"], base="data", titles=TitlesConfig("movies.csv")))
    assert component.id == "FeedbackGen"
    assert {name: channel.type for name, channel in component.outputs.items()} == {
        "examples": standard_artifacts.Examples,
        "vocabulary": ItemVocabulary,
        "statistics": FeedbackStatistics,
    }
    parameters = component.exec_properties
    base = os.path.abspath("data")
    assert parameters["input_base"] == base
    splits = json.loads(parameters["input_config"])["splits"]
    assert splits == [
        {"name": "feedback_0", "pattern": "a*.csv"},
        {"name": "feedback_1", "pattern": "/b.dat"},
        {"name": "titles", "pattern": "movies.csv"},
    ]
    assert from_json(parameters["feedback"]).base == base
    assert parameters["code"] == EXAMPLES.digest()


@pytest.mark.parametrize("name", ["span-{SPAN}/a.csv", "{YYYY}-{MM}-{DD}.csv", "{SPAN:2}.csv"])
def test_placeholders_of_tfx_are_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^`feedback.files`: .* holds TFX's placeholder \{.*\}. Use a glob instead\.$"
    ):
        FeedbackGen(FeedbackConfig(files=[name]))


def execute(folder: Path, config: FeedbackConfig) -> dict[str, Any]:
    """Runs the executor alone; the three artifacts."""
    artifacts = {
        "examples": standard_artifacts.Examples(),
        "vocabulary": ItemVocabulary(),
        "statistics": FeedbackStatistics(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(folder / name)
        Path(artifact.uri).mkdir(parents=True)
    context = Executor.Context(beam_pipeline_args=list(LOCAL_BEAM_ARGS), tmp_dir=str(folder), unique_id="1")
    parameters = FeedbackGen(config).exec_properties
    Executor(context).Do({}, {name: [artifact] for name, artifact in artifacts.items()}, dict(parameters))
    return artifacts


def test_executor_writes_what_generate_writes(tmp_path: Path) -> None:
    config = FeedbackConfig(files=[support.write_parquet(tmp_path / "rows.parquet", some_rows())], shards=2)
    artifacts = execute(tmp_path / "tfx", config)
    generate(config, tmp_path / "plain")
    pairs = {"examples": "", "vocabulary": "vocabulary", "statistics": "statistics"}
    for name, folder in pairs.items():
        for path in Path(artifacts[name].uri).rglob("*"):
            if path.is_file():
                twin = tmp_path / "plain" / folder / path.relative_to(artifacts[name].uri)
                assert path.read_bytes() == twin.read_bytes()
    assert len(list(Path(artifacts["examples"].uri).rglob("*.gz"))) == 6


def test_what_tfx_is_told_of_the_examples(tmp_path: Path) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", some_rows())
    examples = execute(tmp_path / "tfx", FeedbackConfig(files=[path], shards=2))["examples"]
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "validation", "test"]
    assert examples_utils.get_payload_format_string(examples) == "FORMAT_TF_EXAMPLE"
    assert examples_utils.get_file_format(examples) == "tfrecords_gzip"
    # StatisticsGen reads them in `test_cache_and_statistics_gen`.


def test_tfx_is_told_of_what_was_shown_at_random_too(tmp_path: Path) -> None:
    rows = some_rows()
    path, random = (support.write_parquet(tmp_path / f"{name}.parquet", rows) for name in ("rows", "random"))
    examples = execute(tmp_path / "tfx", FeedbackConfig(files=[path], random_files=[random], shards=2))["examples"]
    assert artifact_utils.decode_split_names(examples.split_names) == ["train", "validation", "test", "test_random"]
    assert len(list(Path(examples.uri).glob("Split-test_random/*.gz"))) == 2


def run_pipeline(folder: Path, config: FeedbackConfig, *, with_statistics: bool = False) -> None:
    gen = FeedbackGen(config)
    more = [tfx.components.StatisticsGen(examples=gen.outputs["examples"])] if with_statistics else []
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="feedback",
        pipeline_root=str(folder / "root"),
        components=[gen, *more],
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(str(folder / "metadata.db")),
        beam_pipeline_args=list(LOCAL_BEAM_ARGS),
    )
    LocalDagRunner().run(pipeline)


def test_cache_and_statistics_gen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same input and settings are taken from the cache; a setting, a file, titles or code that change are not."""
    rows = some_rows()
    path = Path(support.write_parquet(tmp_path / "rows.parquet", rows))
    titles = tmp_path / "titles.csv"
    titles.write_text("item,title\n000,A\n")
    config = FeedbackConfig(files=[path.name], base=str(tmp_path), titles=TitlesConfig(titles.name))

    def runs() -> int:
        return len(list((tmp_path / "root" / "FeedbackGen" / "vocabulary").iterdir()))

    run_pipeline(tmp_path, config, with_statistics=True)
    assert runs() == 1
    splits = {child.name for child in next((tmp_path / "root" / "StatisticsGen" / "statistics").iterdir()).iterdir()}
    assert splits == {"Split-train", "Split-validation", "Split-test"}
    run_pipeline(tmp_path, config)
    assert runs() == 1
    run_pipeline(tmp_path, FeedbackConfig(files=[path.name], base=str(tmp_path), titles=config.titles, min_positives=1))
    assert runs() == 2
    titles.write_text("item,title\n000,Another\n")
    run_pipeline(tmp_path, config)
    assert runs() == 3
    support.write_parquet(path, rows[:-1])
    run_pipeline(tmp_path, config)
    assert runs() == 4
    monkeypatch.setattr(feedback_component, "EXAMPLES", Code(("pnfrec_core.schema",)))
    run_pipeline(tmp_path, config)
    assert runs() == 5


def test_our_error_comes_before_the_drivers(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match=r"^`feedback.files`: no file matches the glob .*/none\*\.csv\."):
        run_pipeline(tmp_path, FeedbackConfig(files=["none*.csv"], base=str(tmp_path)))
