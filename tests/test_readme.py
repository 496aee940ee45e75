"""The promises of the README and of the pages that it leads to, executed."""

import dataclasses
import re
import subprocess
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).parts[:2] != ("reference", "api"))
TEXT = README + "".join(page.read_text(encoding="utf-8") for page in PAGES)


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 150


def test_the_tutorial_has_the_script_of_the_readme() -> None:
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert script in (DOCS / "tutorials" / "keras.md").read_text(encoding="utf-8")


@pytest.mark.e2e
def test_the_keras_script_runs_and_its_export_answers(tmp_path: Path, warm_python: str) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in script.splitlines() if line.strip()]) <= 22
    (tmp_path / "data").symlink_to(ROOT / "data")
    done = subprocess.run(
        [warm_python, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    scores = [float(found) for found in re.findall(r"val_ndcg_p: ([0-9.]+)", done.stdout)]
    (evaluated,) = (float(found) for found in re.findall(r"'ndcg_p': ([0-9.]+)", done.stdout))
    # Two epochs are enough to beat chance, 10 hits among 2,000 items and more, many times over.
    assert scores[-1] > 0.03
    assert evaluated == pytest.approx(max(scores), abs=1e-4)  # of the best weights; Keras prints four digits
    assert (tmp_path / "my_model" / "saved_model.pb").exists()
    blocks = re.findall(
        r"```python\n(.*?)```", (DOCS / "tutorials" / "keras.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (ask,) = [block for block in blocks if "saved_model.load" in block]
    without_ours = f"import sys\nsys.modules['pnfrec_keras'] = None\n{ask}"
    answered = subprocess.run(
        [warm_python, "-c", without_ours], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=300
    )
    assert answered.returncode == 0, answered.stderr[-3000:]
    assert re.search(r"\[\[(b'\d{7}'\s*){5}\]\] \[2\]", answered.stdout), answered.stdout


def keys_of(section: Any) -> Iterator[str]:
    """Every key of a configuration, those of the sections inside included."""
    for field in dataclasses.fields(section):
        yield field.name
    for kind in typing.get_type_hints(section).values():
        for inner in (kind, *typing.get_args(kind)):
            if dataclasses.is_dataclass(inner):
                yield from keys_of(inner)


def test_the_config_reference_names_every_key() -> None:
    from dev.reference import configuration
    from pipeline.config import PipelineConfig

    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    assert "<!-- generated: configuration -->" in page.splitlines()
    named = {path.rpartition(".")[2] for path in re.findall(r"^\| `([\w.<>]+)` \|", configuration(), re.MULTILINE)}
    keys = set(keys_of(PipelineConfig))
    assert {"polarity", "max_loss", "evaluation_batch_size"} <= keys, "keys of all levels"
    sections = {
        "feedback",
        "model",
        "training",
        "tuner",
        "export",
        "gate",
        "push",
        "statistics",
        "beam",
        "query",
        "kubeflow",
        "columns",
        "space",
        "limits",
        "spans",
        "keep_read",
        "drift",
        "caps",
    }
    assert sorted(keys - named - sections) == []


def test_every_key_of_the_shipped_config_has_a_comment() -> None:
    text = (ROOT / "configs" / "movietweetings.yaml").read_text(encoding="utf-8")
    bare = [line for line in text.splitlines() if re.search(r":\s*\S", line) and "#" not in line]
    assert bare == []


def test_the_commands_of_the_readme_exist() -> None:
    from pipeline.cli import main

    names = (
        "run|daily|history|check|config|experiment|results|compare|data|serve|models|query|recommend|kubeflow|health"
    )
    names += "|doctor"
    used = set(re.findall(rf"pnfrec ({names})", TEXT))
    assert used == set(main.list_commands(None))  # type: ignore[arg-type]
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = set(re.findall(r"^make ([a-z][a-z-]*)|`make ([a-z][a-z-]*)", TEXT, re.MULTILINE))
    assert {name for pair in made for name in pair if name} <= targets


def test_the_map_of_the_code_names_what_there_is() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    named = {path for line in rows for path in re.findall(r"`(\w+/[\w/]+(?:\.py)?/?)`", line)}
    assert {"components/feedback/", "pnfrec_core/measures.py"} <= named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_table_of_data_sets_names_each_with_its_settings() -> None:
    from pipeline.config import load_config
    from pnfrec_data.registry import DATA_SETS

    page = (DOCS / "reference" / "data-sets.md").read_text(encoding="utf-8")
    table = {name: rest.split(" | ") for name, rest in re.findall(r"^\| `([\w-]+)` \| (.+) \|$", page, re.MULTILINE)}
    assert set(table) == {path.stem for path in (ROOT / "configs").glob("*.yaml")}
    for name, (rows, threshold, split, *_) in table.items():
        feedback = load_config(ROOT / "configs" / f"{name}.yaml").feedback
        positive = feedback.positive
        assert threshold == (positive if isinstance(positive, str) else f"{positive:g}")
        assert split == feedback.split
        counts = DATA_SETS[name].counts if name in DATA_SETS else None
        assert counts is None or rows == f"{counts[0]:,}"


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda page: page.name)
def test_the_files_that_a_page_links_to_exist(page: Path) -> None:
    """On a code host: links of the site are checked by `make docs` too."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", text):
        path = "".join(link)
        assert "://" in path or (page.parent / path).exists(), path
