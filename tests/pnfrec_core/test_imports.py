"""The import graph is what Python would do, read from sources alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from pnfrec_core import imports
from pnfrec_core.imports import PACKAGES, ROOT, Graph, Import, closure, module_files, third_party
from pnfrec_core.source import When

SOURCES = {
    "serving/__init__.py": "",
    "serving/a.py": (
        "import json\n"
        "import numpy as np\n"
        "from typing import TYPE_CHECKING\n"
        "from serving import b\n"
        "if TYPE_CHECKING:\n"
        "    from serving.only_for_types import T\n"
        "    import pandas\n"
        "try:\n"
        "    import yaml\n"
        "except ImportError:\n"
        "    yaml = None\n"
        "def f():\n"
        "    import keras.ops\n"
        "    from .deep import lazy\n"
        "RUN_FN = 'serving.named.run_fn'\n"
        "COMMAND = ['-m', 'serving.command']\n"
        "NO_MODULE = ('serving', 'serving.none.here', 'training.seed', 'see serving.only_for_types')\n"
    ),
    "serving/b.py": "import re, os.path\n",
    "serving/named.py": "def run_fn(): ...\n",
    "serving/command.py": "async def f(name):\n    return import_module(f'serving.formats.{name}')\n",
    "serving/only_for_types.py": "T = int\n",
    "serving/deep/__init__.py": (
        "import click\n_PUBLIC = {'x': 'serving.deep.shown'}\n"
        "def __getattr__(name):\n    from serving.deep import shown\n"
    ),
    "serving/deep/lazy.py": "from ..b import X\nfrom .. import named\nimport tensorflow\nPAGE = 'page.html'\n",
    "serving/deep/shown.py": "import torch\n",
    "serving/deep/page.html": "<p>",
    "serving/deep/other.html": "<p>",
    "serving/formats/__init__.py": "",
    "serving/formats/csv.py": "FOLDER = 'ready'\n",
    "serving/formats/dat.py": "",
    "serving/ready/one.yaml": "a: 1",
    "serving/ready/notes.txt": "a",
    "studies/__init__.py": "",
    "studies/asks.py": "from serving.deep import X\n",
    "elsewhere/__init__.py": "",
    "elsewhere/a.py": "",
}


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Graph(tmp_path)


def names(graph: Graph, *modules: str, at_import_only: bool = False) -> set[str]:
    found = graph.closure(*modules, at_import_only=at_import_only)
    return {path.relative_to(graph.root).as_posix().removeprefix("serving/") for path in found}


def test_own_and_foreign_imports_are_told_apart_and_when_each_is_made(graph: Graph) -> None:
    assert graph.imports_of(graph.root / "serving/a.py") == [
        Import("numpy", False, When.AT_IMPORT, 2),
        Import("serving.b", True, When.AT_IMPORT, 4),
        Import("serving.only_for_types", True, When.FOR_TYPES, 6),
        Import("pandas", False, When.FOR_TYPES, 7),
        Import("yaml", False, When.AT_IMPORT, 9),
        Import("keras", False, When.WHEN_CALLED, 13),
        Import("serving.deep.lazy", True, When.WHEN_CALLED, 14),
        Import("serving.named", True, When.BY_NAME, 15),
        Import("serving.command", True, When.BY_NAME, 16),
    ]


def test_a_closure_follows_calls_and_names_but_no_types(graph: Graph) -> None:
    sources = {"__init__.py", "a.py", "b.py", "command.py", "deep/__init__.py", "deep/lazy.py", "named.py"}
    formats = {"formats/__init__.py", "formats/csv.py", "formats/dat.py"}
    assert names(graph, "serving.a") == sources | formats | {"deep/page.html", "ready/one.yaml"}
    assert graph.third_party("serving.a") == {"numpy", "yaml", "keras", "click", "tensorflow"}


def test_what_happens_at_import_alone(graph: Graph) -> None:
    assert names(graph, "serving.a", at_import_only=True) == {"__init__.py", "a.py", "b.py"}
    assert graph.third_party("serving.a", at_import_only=True) == {"numpy", "yaml"}


def test_what_a_package_hands_out_is_reached_by_who_asks_for_it(graph: Graph) -> None:
    assert names(graph, "serving.deep.lazy") == {
        *("__init__.py", "b.py", "named.py"),
        *("deep/__init__.py", "deep/lazy.py", "deep/page.html"),
    }
    assert names(graph, "studies.asks") == {
        *("__init__.py", "deep/__init__.py", "deep/shown.py", "studies/__init__.py", "studies/asks.py"),
    }
    assert "torch" in graph.third_party("studies.asks")


def test_a_module_that_is_not_there_is_named(graph: Graph) -> None:
    for name in ("serving.none", "numpy", "elsewhere.a"):
        with pytest.raises(ModuleNotFoundError, match=f"has no module '{name}'"):
            graph.closure(name)


def test_what_is_read_is_read_again_when_it_has_changed(graph: Graph) -> None:
    assert names(graph, "serving.b") == {"__init__.py", "b.py"}
    (graph.root / "serving/b.py").write_text("import serving.named\n")
    assert names(graph, "serving.b") == {"__init__.py", "b.py"}, "a graph is of the moment it was asked first"
    assert names(Graph(graph.root), "serving.b") == {"__init__.py", "b.py", "named.py"}


def test_every_package_of_the_repository_is_one_of_ours() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(PACKAGES)
    files = module_files()
    assert files["pnfrec_core.imports"] == Path(imports.__file__)
    assert files["pnfrec_core"] == ROOT / "pnfrec_core" / "__init__.py"


def test_modules_that_tfx_and_the_commands_load_by_name_are_reached() -> None:
    def of(*modules: str) -> set[str]:
        return {path.relative_to(ROOT).as_posix() for path in closure(*modules)}

    assert "components/trainer/run_fn.py" in of("components.trainer.component")
    assert "components/tuner/tuner_fn.py" in of("components.tuner.component")
    assert {"components/gate/metrics.py"} <= of("components.gate.eval_config")
    assert {"components/gate/extractors.py", "components/data_contract/schema.pbtxt"} <= of("pipeline.pipeline")
    assert {"pipeline/local_runner.py", "serving/server.py", "studies/study.py"} <= of("pipeline.cli")
    assert {"pnfrec_data/formats/zvuk.py", "pnfrec_data/formats/dat.py"} <= of("pnfrec_data.prepare")
    assert "components/gate/report/page.html" in of("components.gate.report.html")
    assert {"studies/published.csv", "studies/page/page.html", "studies/ready/cold.yaml"} <= of("pipeline.cli")


@pytest.mark.parametrize(
    "module", ["pnfrec_core.imports", "components.gate.config", "serving.client", "pnfrec_keras.config"]
)
def test_python_loads_what_the_graph_says_and_nothing_else(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    own = {name for name in loaded if name.partition(".")[0] in PACKAGES}
    assert own == {imports.module_name(path) for path in closure(module, at_import_only=True) if path.suffix == ".py"}
    heavy = {"tensorflow", "tfx", "apache_beam", "keras", "numpy", "grpc", "yaml"}
    assert heavy & loaded <= third_party(module, at_import_only=True)
