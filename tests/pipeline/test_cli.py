"""The `pnfrec` command, as far as it goes without running a pipeline."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import main

COMMANDS = ("run", "check", "config", "experiment", "results", "compare", "serve", "query", "doctor")
CONFIG = Path(__file__).parents[2] / "configs" / "movietweetings.yaml"


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from pipeline.cli import main;"
        "r = CliRunner().invoke(main, ['--help']); assert r.exit_code == 0, r.output; print(r.output);"
        "heavy = {'tensorflow', 'keras', 'tfx', 'apache_beam', 'numpy', 'pandas', 'pyarrow', 'grpc', 'pydantic'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert f"  {command}" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {command}")


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("pnfrec ")


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["rnu"])
    assert result.exit_code == 2
    assert "No such command 'rnu'" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "nowhere.yaml"], "nowhere.yaml: there is no such configuration file"),
        (
            ["--config", str(CONFIG), "--set", "training.epoch=3"],
            "Did you mean `epochs`?",
        ),
        (["--config", str(CONFIG), "--set", "gate.bounds.ndgc_p.min=0"], "'ndgc_p'"),
    ],
)
def test_a_wrong_configuration_ends_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["run", *arguments, "--set", f"output={tmp_path / 'out'}"])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["--config", str(CONFIG), "--set", f"output={tmp_path / 'file' / 'out'}"]
    result = CliRunner().invoke(main, ["run", *arguments])
    assert result.exit_code == 1
    assert f"`output`: {tmp_path / 'file' / 'out'} cannot be made or written to (Not a directory)" in result.output
