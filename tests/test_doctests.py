"""The examples in docstrings are run, in whatever module they stand."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

from pnfrec_core import launch

ROOT = Path(__file__).parents[1]
PACKAGES = (*launch.PACKAGES, "dev")


def has_example(file: Path) -> bool:
    """Whether a docstring holds an example; a `>>>` elsewhere is none."""
    text = file.read_text(encoding="utf-8")
    if ">>>" not in text:
        return False
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return any(
        ">>> " in (ast.get_docstring(node) or "") for node in ast.walk(ast.parse(text)) if isinstance(node, nodes)
    )


def modules() -> list[str]:
    files = [file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py")) if has_example(file)]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files]


def test_there_are_examples() -> None:
    found = {name.partition(".")[0] for name in modules()}
    assert {"pnfrec_core", "pnfrec_keras", "serving", "studies", "components"} <= found


@pytest.mark.parametrize("name", modules())
def test_the_examples_give_what_they_show(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0, "an example that nobody finds is not run"
    assert found.failed == 0
