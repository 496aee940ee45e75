"""The rules of the house that a machine can see."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pnfrec_core import launch

ROOT = Path(__file__).parents[1]
PACKAGES = (*launch.PACKAGES, "dev")
FILES = (*PACKAGES, "benchmarks", "tests")
# Packages without a longer function.
FUNCTIONS = ("components", "dev", "pnfrec_columns", "pnfrec_core", "pnfrec_data", "pnfrec_keras", "serving")
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 60


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} holds no source"
    return found


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file with how many lines it has, those of its docstring left out."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield f"{file.relative_to(ROOT)}: {node.name}", lines


@pytest.mark.parametrize("folder", FILES)
def test_no_file_is_longer_than_one_subject_needs(folder: str) -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_bytes().splitlines()) for file in sources(folder)}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES_OF_A_FILE} == {}


@pytest.mark.parametrize("package", FUNCTIONS)
def test_no_function_is_longer_than_a_screen(package: str) -> None:
    found = [each for file in sources(package) for each in functions(file)]
    assert [each for each in found if each[1] > MOST_LINES_OF_A_FUNCTION] == []
