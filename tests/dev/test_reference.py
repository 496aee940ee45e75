"""The reference pages that are made from the sources."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from dev import reference
from pipeline.cli import main
from pipeline.config import PipelineConfig
from pnfrec_core.settings.keys import tree_of
from serving.settings import ServerSettings, load_settings


def commands_of(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context)
        yield command, own
        if isinstance(command, click.Group):
            yield from commands_of(command, own)


def commands() -> list[tuple[click.Command, click.Context]]:
    return [*commands_of(main, click.Context(main, info_name="pnfrec"))]


def test_every_key_is_in_the_configuration_reference_once() -> None:
    text = reference.configuration()
    for key in tree_of(PipelineConfig).all_keys():
        assert text.count(f"\n| `{key.path}` | ") == 1, key.path
        inner = f"{key.path}.<name>" if key.named else key.path
        for entry in key.entries:
            assert text.count(f"\n| `{inner}.{entry.name}` | ") == 1, entry.path
    assert "| `model.similarity` | one of dot, cosine | `dot` | " in text


def test_every_key_of_a_server_is_in_its_reference_once() -> None:
    text = reference.server()
    for key in tree_of(ServerSettings).all_keys():
        assert text.count(f"\n| `{key.path}` | ") == 1, key.path
    assert "| `rest.port` | whole number or null | `null` | " in text


def test_the_example_on_the_page_of_a_server_can_be_read(tmp_path: Path) -> None:
    page = (Path(reference.__file__).parents[1] / "docs" / "reference" / "server.md").read_text(encoding="utf-8")
    file = tmp_path / "server.yaml"
    file.write_text(re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)[0], encoding="utf-8")
    assert load_settings(file, {}).rest.port == 8501


def test_every_command_is_in_the_command_line_reference_with_its_options() -> None:
    text = reference.command_line()
    paths = [context.command_path for _, context in commands()]
    assert {"pnfrec run", "pnfrec config", "pnfrec data fetch", "pnfrec query"} <= set(paths)
    for command, context in commands():
        _, _, rest = text.partition(f"# `{context.command_path}`\n")
        own = rest.partition("\n#")[0]
        for parameter in command.params:
            assert (
                parameter.human_readable_name if isinstance(parameter, click.Argument) else parameter.opts[0]
            ) in own
    assert "| `-k` | `INTEGER RANGE` | `10` | How many items to recommend. |" in text
    assert '```\npnfrec query --base runs/movietweetings/serving --positive "Inception (2010)" --negative' in text


def test_every_command_says_its_exit_status() -> None:
    for command, context in commands():
        told = [reference.exit_status(command), reference.exit_status(context.parent.command)]  # type: ignore[union-attr]
        assert any(status.startswith("0 ") for status in told), context.command_path
    assert reference.exit_status(main.get_command(click.Context(main), "run") or main) == (
        "0 pushed, 1 failed, 2 wrong configuration, 3 nothing was pushed: the gate refused the model, "
        "it is one that was marked as bad, or it cannot be served, 4 the newest day is refused "
        "(feedback.drift.action: stop)."
    )


def test_it_imports_neither_tensorflow_nor_tfx_nor_beam() -> None:
    code = (
        "import sys; from dev import reference; reference.configuration(); reference.server();"
        "reference.command_line();"
        "heavy = {'tensorflow', 'keras', 'tfx', 'apache_beam', 'pandas', 'pydantic'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
