"""`pnfrec config`."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from components.feedback.config import FeedbackConfig
from components.gate.config import BoundConfig, GateConfig
from pipeline.cli import main
from pipeline.config import PipelineConfig, load_config
from pnfrec_core.settings.keys import tree_of

ROOT = Path(__file__).parents[2]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["config", *arguments])


def test_what_it_prints_loads_to_the_defaults(tmp_path: Path) -> None:
    result = invoke()
    assert result.exit_code == 0
    path = tmp_path / "mine.yaml"
    path.write_text(result.output, encoding="utf-8")
    assert load_config(path) == PipelineConfig(
        name="my-data",
        output=str(tmp_path / "runs" / "my-data"),
        feedback=FeedbackConfig(files=["ratings.csv"], base=str(tmp_path)),
        gate=GateConfig(bounds={"ndcg_delta": BoundConfig(min=0.0)}),
    )
    assert max(map(len, result.output.splitlines())) <= 100


def test_it_shows_every_key_of_every_section_with_its_meaning() -> None:
    tree = tree_of(PipelineConfig)
    keys = [*tree.all_keys()]
    keys += [entry for key in keys for entry in key.entries]
    assert [key.path for key in keys if not key.meaning] == []
    assert {"feedback.columns.polarity", "gate.bounds.max_loss", "tuner.space.dim.log"} <= {key.path for key in keys}
    assert [section.path for section in tree.all_sections() if not section.meaning] == []
    values = yaml.safe_load(invoke().output)
    assert values.keys() == {field.name for field in dataclasses.fields(PipelineConfig)}
    for key in tree.all_keys():
        holder = values
        for name in key.path.split("."):
            assert name in holder, key.path
            holder = holder[name]
        assert holder == key.default, key.path


def test_a_key_alone_is_printed_in_its_section() -> None:
    result = invoke("model.similarity")
    assert result.exit_code == 0
    assert yaml.safe_load(result.output) == {"model": {"similarity": "dot"}}
    assert "similarity: dot  # one of dot, cosine" in result.output
    default = {"runner": "DirectRunner", "workers": 1, "mode": None, "options": {}}
    assert yaml.safe_load(invoke("beam").output) == {"beam": default}


def test_a_key_that_does_not_exist_is_refused_with_the_nearest() -> None:
    result = invoke("model.alhpa")
    assert result.exit_code == 2
    assert "There is no key `model.alhpa`. Did you mean `model.alpha`?" in result.output


def test_the_settings_of_a_file_load_to_the_same_and_say_what_differs(tmp_path: Path) -> None:
    shipped = str(ROOT / "configs" / "movietweetings.yaml")
    overrides = ["model.dim=8", "tuner.space.beta=null"]
    result = invoke("--config", shipped, *(f"--set={override}" for override in overrides))
    assert result.exit_code == 0
    path = tmp_path / "resolved.yaml"
    path.write_text(result.output, encoding="utf-8")
    assert load_config(path) == load_config(shipped, overrides)
    marked = [line.strip() for line in result.output.splitlines() if "# default: " in line]
    assert [line for line in marked if not line.startswith(("titles", "base", "query", "positive:", "negative:"))] == [
        "dim: 8  # default: 64",
        "epochs: 40  # default: 100",
        "patience: 5  # default: 10",
        "min_epochs: 20  # default: 0",
        "learning_rate: 0.003  # default: 0.001",
        "average_epochs: 2.0  # default: 0.0",
        "beta: null  # default: {min: 0.05, max: 1.0, log: true}",
        "rule: like_odds  # default: like_rate",
        "gamma: 1.0  # default: 0.0",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "nowhere.yaml"], "nowhere.yaml: there is no such configuration file"),
        (["--set", "model.dim=3"], "--set changes the settings of a file: name it by --config."),
    ],
)
def test_what_cannot_be_printed_is_refused(arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_it_imports_neither_tensorflow_nor_tfx_nor_beam() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from pipeline.cli import main;"
        "r = CliRunner().invoke(main, ['config']); assert r.exit_code == 0, r.output;"
        "heavy = {'tensorflow', 'keras', 'tfx', 'apache_beam', 'pandas', 'pyarrow', 'grpc', 'pydantic'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
