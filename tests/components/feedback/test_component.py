"""FeedbackGen as a TFX component."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tfx.components import StatisticsGen
from tfx.components.util import examples_utils
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types import artifact_utils, standard_artifacts

from components.feedback import component as feedback_component
from components.feedback.component import FeedbackGen
from components.feedback.config import FeedbackConfig, TitlesConfig, from_json
from components.feedback.executor import Executor
from components.feedback.origin import EXAMPLES
from components.feedback.run import LOCAL_BEAM_ARGS, generate
from components.feedback.spans.config import SpansConfig
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


def test_the_driver_sees_the_newest_span_alone(tmp_path: Path) -> None:
    """TFX's own placeholders mean one span, the latest, of all splits; and a span outside the window is no matter."""
    for name in ("9", "10"):
        (tmp_path / f"{name}.csv").write_text("user,item,value,timestamp\nu,i,1,2\n")
    config = FeedbackConfig(files=["{SPAN}.csv", "[9].csv"], base=str(tmp_path))

    def patterns(config: FeedbackConfig, **more: bool) -> list[str]:
        found = json.loads(FeedbackGen(config, **more).exec_properties["input_config"])["splits"]
        return [split["pattern"] for split in found]

    assert patterns(config) == [f"{tmp_path}/10.csv", "[9].csv"]
    assert patterns(config, files_are_here=False) == ["*.csv", "[9].csv"]
    assert patterns(FeedbackConfig(files=["none-{SPAN}.csv"], base=str(tmp_path))) == ["none-*.csv"]


def test_a_late_and_a_corrected_day_are_picked_up_and_one_that_has_left_the_window_is_no_matter(tmp_path: Path) -> None:
    def write(day: int, value: int = 0) -> None:
        rows = (f"u{user},i{item},{(item + value) % 2},{day * 1000 + item}\n" for user in range(5) for item in range(6))
        (tmp_path / f"2024-01-{day:02d}.csv").write_text("user,item,value,timestamp\n" + "".join(rows))

    def runs() -> int:
        pattern = "{YYYY}-{MM}-{DD}.csv"
        settings: dict[str, Any] = {"base": str(tmp_path), "positive": 1.0, "min_item_users": 1}
        run_pipeline(tmp_path, FeedbackConfig(files=[pattern], spans=SpansConfig(2), **settings))
        return len(list((tmp_path / "root" / "FeedbackGen" / "vocabulary").iterdir()))

    for day in (1, 2, 4):
        write(day)
    assert runs() == 1
    (tmp_path / "2024-01-01.csv").unlink()
    assert runs() == 1
    write(3)
    assert runs() == 2
    write(3, value=1)
    assert runs() == 3
    # Rows are kept below the root of the pipeline: of four days, and of the third as it was before.
    assert len(list((tmp_path / "root" / ".read_state").glob("*.rows"))) == 5 - 1


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


def test_files_that_changed_since_the_run_began_are_not_recorded_as_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = support.write_parquet(tmp_path / "rows.parquet", some_rows())
    monkeypatch.setattr(feedback_component, "inventory", lambda _: "of other files")
    with pytest.raises(FeedbackError, match="have changed since this run began"):
        execute(tmp_path / "tfx", FeedbackConfig(files=[path], shards=2))
    assert not list((tmp_path / "tfx").rglob("*.gz"))


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
    more = [StatisticsGen(examples=gen.outputs["examples"])] if with_statistics else []
    pipeline = Pipeline(
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
