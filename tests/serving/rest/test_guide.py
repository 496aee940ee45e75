"""The commands with curl in docs/guides/serving.md, as a shell runs them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.serving.rest.conftest import Web

pytestmark = pytest.mark.tensorflow

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "serving.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```\n(curl .*?)```", GUIDE, flags=re.DOTALL)
BODY = re.compile(r"curl http://localhost:8501(\S+) -d @- <<'JSON'\n(.*?)\nJSON\n", re.DOTALL)


def answer(web: Web, command: str) -> Any:
    """What the command prints."""
    assert command.count("http://localhost:8501") == 1
    curl = shutil.which("curl")
    if curl is None:
        # The same bytes as curl sends, but for ends of lines.
        asked = BODY.fullmatch(command)
        assert asked is not None
        return web.post(asked[1], asked[2].encode()).json
    assert web.server.faces.http is not None
    line = command.replace("http://localhost:8501", web.server.faces.http.url)
    line = line.replace("curl ", f"{curl} -sS --fail --noproxy '*' ", 1)
    run = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_commands_of_the_guide_are_answered(web: Web) -> None:
    columns, rows = (answer(web, command) for command in COMMANDS)
    # The tiny model knows none of these films, and has five items.
    assert columns["outputs"]["item_ids"] == [["a", "b", "c", "d", "e"]] * 2
    assert columns["outputs"]["count"] == [5, 5]
    predictions = rows["predictions"]
    assert [row["count"] for row in predictions] == [5, 3]
