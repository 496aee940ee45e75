"""The examples of docs/guides/serving.md run as they stand, against the tiny model."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving import tensors
from serving.model import LoadedModel
from serving.server import RecommenderServer

TEXT = (Path(__file__).parents[2] / "docs" / "guides" / "serving.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
JSON = [json.loads(body) for body in re.findall(r"<<'JSON'\n(.*?)\nJSON", TEXT, flags=re.DOTALL)]


def run(code: str, server: RecommenderServer, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert code.count("localhost:8500") == 1
    exec(
        compile(code.replace("localhost:8500", server.address).replace("timeout=2.0", "timeout=60"), "doc", "exec"), {}
    )
    return capsys.readouterr().out.splitlines()


def test_the_client_example_runs(server: RecommenderServer, capsys: pytest.CaptureFixture[str]) -> None:
    # The tiny model knows none of these films, so it answers by popularity.
    assert run(PYTHON[0], server, capsys) == [
        "[('a', 5.0), ('b', 4.0), ('c', 3.0), ('d', 2.0), ('e', 1.0)]",
        "True 0 1",
        "[3, 5]",
        "[VersionStatus(version=1, state='AVAILABLE', error_code='OK', error='')]",
        "{'exclude_item_ids': TensorSpec(dtype='string', shape=(-1, -1)), "
        "'k': TensorSpec(dtype='int32', shape=(-1,)), "
        "'positive_item_ids': TensorSpec(dtype='string', shape=(-1, -1))}",
    ]


def test_the_stock_example_runs(server: RecommenderServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(PYTHON[1], server, capsys) == ["[['a', 'b', 'c', 'd', 'e'], ['a', 'b', 'c', 'd', 'e']]"]


def stacked(body: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a REST body as nested lists: TensorFlow Serving stacks `instances` along a new first axis."""
    if "inputs" in body:
        return dict(body["inputs"])
    return {name: [instance[name] for instance in body["instances"]] for name in body["instances"][0]}


def test_the_rest_examples_follow_the_signature(base: Path) -> None:
    model = LoadedModel(base / "1", 1)
    types = {name: info.dtype for name, info in model.signatures.signature_def["serving_default"].inputs.items()}
    counts = []
    for body in JSON:
        inputs = {name: tensors.to_proto(values, types[name]) for name, values in stacked(body).items()}
        counts.append(tensors.to_lists(model.predict("", inputs)["count"]))
    assert counts == [[5, 5], [5, 3]]
