"""The README's promises, executed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.e2e
def test_the_keras_script_runs_and_its_export_answers(tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in script.splitlines() if line.strip()]) <= 22
    (tmp_path / "data").symlink_to(ROOT / "data")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=600
    )
    assert done.returncode == 0, done.stderr[-3000:]
    scores = [float(found) for found in re.findall(r"val_ndcg_p: ([0-9.]+)", done.stdout)]
    # Two epochs are enough to beat chance, 10 hits among 2,000 items and more, many times over.
    assert scores[-1] > 0.03
    assert (tmp_path / "my_model" / "saved_model.pb").exists()


def test_the_config_reference_names_every_key() -> None:
    values = yaml.safe_load((ROOT / "configs" / "movietweetings.yaml").read_text(encoding="utf-8"))
    reference = README[README.index("## Your own data") : README.index("## The gate")]
    for section, keys in values.items():
        assert f"`{section}`" in reference
        for key in keys if isinstance(keys, dict) else []:
            assert f"`{key}`" in reference, f"{section}.{key}"


def test_the_commands_of_the_readme_exist() -> None:
    from pipeline.cli import main

    used = set(re.findall(r"pnfrec (run|serve|query|doctor)", README))
    assert used == set(main.list_commands(None))  # type: ignore[arg-type]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_the_files_that_the_readme_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
