"""`from pnfrec_keras import ...`: what a script needs, and nothing before it is needed."""

import ast
import inspect
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pnfrec_keras
from pnfrec_core.lists import LIST_METRICS

ROOT = Path(__file__).parents[1]
RATINGS = "data/movietweetings/ratings.parquet"


def test_importing_the_package_loads_neither_tensorflow_nor_keras() -> None:
    code = "import json, sys, pnfrec_keras, pnfrec_keras.config; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"tensorflow", "keras", "tf_keras", "numpy"}


@pytest.mark.tensorflow
def test_it_lists_its_names_and_each_is_what_its_home_defines() -> None:
    assert set(pnfrec_keras.__all__) <= set(dir(pnfrec_keras))
    assert sorted(pnfrec_keras._HOMES) == sorted(pnfrec_keras.__all__)
    for name, home in pnfrec_keras._HOMES.items():
        assert getattr(pnfrec_keras, name) is getattr(sys.modules[home], name)
        assert getattr(pnfrec_keras, name).__module__ == home
    with pytest.raises(AttributeError, match="'pnfrec_keras' has no attribute 'Pnfrec'"):
        _ = pnfrec_keras.Pnfrec


def test_what_checkers_of_types_see_is_what_is_there() -> None:
    tree = ast.parse(inspect.getsource(pnfrec_keras))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {name.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for name in node.names}
    assert seen == pnfrec_keras._HOMES


def script() -> str:
    """The one in the docstring of the package."""
    match = re.search(r"^    import keras\n.*?^(?=\S)", pnfrec_keras.__doc__ or "", re.MULTILINE | re.DOTALL)
    assert match
    return textwrap.dedent(match[0])


def test_the_script_of_the_docstring_runs_and_its_model_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the users of every 20th id, for three epochs of more steps, with a narrow network; else as it stands."""
    ratings = pd.read_parquet(ROOT / RATINGS)
    ratings = ratings[ratings["user"].astype(int) % 20 == 0]
    text = script()
    assert len(text.splitlines()) <= 20
    changes = {
        RATINGS: "slice.parquet",
        "epochs=20": "epochs=3, batch_size=50, learning_rate=0.01, verbose=0",
        "dim=32": "dim=8",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    ratings.to_parquet(tmp_path / "slice.parquet")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(text, "the script", "exec"), names)
    measures = ast.literal_eval(capsys.readouterr().out.replace("nan", "None"))
    groups = {f"{measure}_{group}" for measure in ("hr", "ndcg", "mrr") for group in ("p", "n", "delta")}
    assert set(measures) == {*groups, *LIST_METRICS}
    assert 0 < measures["ndcg_p"] < measures["hr_p"] <= 1
    assert measures["ndcg_n"] is None, "no target was disliked"

    import tensorflow as tf

    answer = tf.saved_model.load("my_model").signatures["serving_default"]
    vocabulary = names["vocabulary"]
    assert isinstance(vocabulary, pnfrec_keras.Vocabulary)
    known = vocabulary.item_ids[:3]
    found = answer(positive_item_ids=tf.constant([known]), exclude_item_ids=tf.constant([[""]]), k=tf.constant([10]))
    items = [item.decode() for item in np.array(found["item_ids"])[0]]
    assert len({*items} - {*known}) == 10
    assert {*items} <= {*vocabulary.item_ids}
