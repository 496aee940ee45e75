"""What is left of an exception after Beam and TFX."""

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.config import ConfigError, load_config
from pipeline.failures import name_of_cause, root_cause


def fail(_: int) -> None:
    msg = "ratings.csv, row 7: the value 'x' is no number."
    raise ValueError(msg)


@pytest.mark.parametrize("mode", ["in_memory", pytest.param("multi_processing", marks=pytest.mark.process)])
def test_the_workers_own_sentence_remains(mode: str) -> None:
    options = PipelineOptions(["--runner=DirectRunner", f"--direct_running_mode={mode}", "--direct_num_workers=1"])
    with pytest.raises(Exception, match="row 7") as caught, beam.Pipeline(options=options) as pipeline:
        _ = pipeline | beam.Create([1]) | "Fail here" >> beam.Map(fail)
    assert root_cause(caught.value) == "ratings.csv, row 7: the value 'x' is no number."


def test_the_first_cause_speaks() -> None:
    inner = FileNotFoundError("ratings.csv: no such file.")
    outer = RuntimeError("Component FeedbackGen failed")
    outer.__cause__ = inner
    assert root_cause(outer) == "ratings.csv: no such file."
    assert name_of_cause(outer) == "FileNotFoundError"


def test_a_silent_exception_has_a_name() -> None:
    assert root_cause(MemoryError()) == "MemoryError"


def test_a_circle_of_causes_ends() -> None:
    first, second = ValueError("row 7"), RuntimeError("wrapped")
    second.__cause__, first.__context__ = first, second
    assert root_cause(second) == "row 7"


def test_our_own_sentence_is_preferred_to_its_cause(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "nowhere.yaml")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    assert root_cause(caught.value).endswith(
        "nowhere.yaml: there is no such configuration file. Ready ones lie in configs/."
    )
