"""Writes the SavedModel and what lies beside it, complete or not at all (docs/reference/signatures.md)."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pnfrec_core import launch, schema
from pnfrec_core.files import put
from pnfrec_core.kinds import check_kind
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.export.load import MODEL_FILE, describe_model
from pnfrec_keras.export.ranker import Ranker
from pnfrec_keras.export.ranking import RANKING_FILE, Ranking
from pnfrec_keras.export.signatures import signatures_of
from pnfrec_keras.export.warmup import WARMUP_FILE, write_warmup
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.ranking import rules


def export_saved_model(
    model: PNFRec,
    vocabulary: Vocabulary,
    path: str | Path,
    *,
    index: str = "plain",
    rule: str = rules.DEFAULT,
    gamma: float = 0.0,
    recency: float = 0.0,
    extra_assets: dict[str, str] | None = None,
) -> None:
    """Writes the SavedModel.

    Args:
        model: The trained model; exported in float32 whatever it was trained in.
        vocabulary: Its catalogue.
        path: Local folder of the SavedModel; must not exist. It appears complete or not at all.
        index: "plain", or "tfrs" for BruteForce of tensorflow-recommenders.
        rule: How dislikes lower items; see `pnfrec_keras.config.ExportConfig`.
        gamma: Weight of the rule.
        recency: Weight of what is liked now.
        extra_assets: More files for `assets.extra/`, name to text, beside `items.jsonl` (the vocabulary),
            `ranking.json` (how its lists are ranked), `model.json` (what `load_model` makes the model from) and
            `tf_serving_warmup_requests` (what a server answers before a version serves).

    Raises:
        FileExistsError: `path` exists.
        TypeError: These are no model and its vocabulary, or no texts of assets.
        ValueError: Unknown `index`, the vocabulary is not the model's, a weight is no finite number, or an asset has
            the name of another file of the export, or of one elsewhere, or `path` is of no local folder.
    """
    check_kind("model", "an export", model, PNFRec)
    check_kind("vocabulary", "an export", vocabulary, Vocabulary)
    _check_assets(extra_assets or {})
    path = _new_folder(path)
    _check_index(index, adds=bool(gamma or recency or model.trend_days))
    _check_finite(model)
    ranker = Ranker(model, vocabulary, rule, gamma, recency)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as scratch:
        unfinished = Path(scratch) / "saved_model"
        if index == "tfrs":
            _export_with_tfrs(model, vocabulary, rule, Path(scratch), unfinished)
        else:
            save(ranker, unfinished)
        (unfinished / schema.EXTRA_ASSETS).mkdir()
        vocabulary.write(unfinished / schema.EXTRA_ASSETS / schema.VOCABULARY_FILE)
        ranking = Ranking(rule, ranker.gamma, float(recency), ranker.k, ranker.asks_dislikes)
        (unfinished / RANKING_FILE).write_text(ranking.to_json(), encoding="utf-8")
        write_warmup(unfinished / WARMUP_FILE, vocabulary, tells_dislikes=ranker.reads_positives)
        (unfinished / MODEL_FILE).write_text(describe_model(model), encoding="utf-8")
        for name, text in (extra_assets or {}).items():
            (unfinished / schema.EXTRA_ASSETS / name).write_text(text, encoding="utf-8")
        put(unfinished, path)


def save(ranker: Ranker, path: Path) -> None:
    """Traces and saves the signatures of a ranker."""
    # Nobody trains on an export: no gradient that a layer of somebody's own may write belongs in it.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(ranker, str(path), signatures=signatures_of(ranker), options=options)


def _new_folder(path: str | Path) -> Path:
    """The folder that an export goes to, which is a local one and not there yet."""
    if "://" in str(path):
        msg = f"`path` of an export must be a local folder: export there, and copy it. Received: {str(path)!r}."
        raise ValueError(msg)
    found = Path(path).expanduser()
    if found.exists():
        msg = f"{found} exists already. A SavedModel is never overwritten: choose a new folder."
        raise FileExistsError(msg)
    return found


def _check_assets(assets: Any) -> None:
    if not isinstance(assets, Mapping) or not all(isinstance(text, str) for text in assets.values()):
        msg = "`extra_assets` must be texts by the names of their files."
        raise TypeError(msg)
    own = [schema.VOCABULARY_FILE, *(Path(file).name for file in (RANKING_FILE, WARMUP_FILE, MODEL_FILE))]
    for name in assets:
        if name in ("", ".", "..", *own) or Path(name).name != name:
            msg = (
                f"`extra_assets`: {name!r} must be a plain file name, and none of the export's own ({', '.join(own)})."
            )
            raise ValueError(msg)


def _check_finite(model: PNFRec) -> None:
    """A model that holds NaN would list what it can still score, and look the better for it."""
    for variable in model.trainable_variables:
        if not tf.reduce_all(tf.math.is_finite(tf.cast(variable.value, tf.float32))):
            msg = (
                f"The weight {variable.path} holds numbers that are not finite: the training diverged. Lower "
                "`training.learning_rate`, or train from another seed, and export again."
            )
            raise ValueError(msg)


def _check_index(index: str, *, adds: bool) -> None:
    if index not in ("plain", "tfrs"):
        msg = f"`export.index` must be 'plain' or 'tfrs'. Received: {index!r}."
        raise ValueError(msg)
    if index == "tfrs" and adds:
        msg = (
            "`export.index: tfrs` ranks by the encoder alone: set `export.gamma`, `export.recency` and "
            "`model.trend_days` to 0."
        )
        raise ValueError(msg)


def _export_with_tfrs(model: PNFRec, vocabulary: Vocabulary, rule: str, scratch: Path, path: Path) -> None:
    """In a process of its own: tensorflow-recommenders needs Keras 2, which is chosen before TensorFlow loads."""
    model_path, vocabulary_path = scratch / "model.keras", scratch / schema.VOCABULARY_FILE
    model.save(model_path)
    vocabulary.write(vocabulary_path)
    arguments = (str(model_path), str(vocabulary_path), os.path.abspath(path), rule)
    command = launch.command("pnfrec_keras.export.tfrs", *arguments)
    done = subprocess.run(
        command, env={**os.environ, "TF_USE_LEGACY_KERAS": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(path, ignore_errors=True)
        msg = f"The export with tensorflow-recommenders failed. Is the `tfrs` extra installed?\n{done.stderr[-2000:]}"
        raise RuntimeError(msg)


def manifest(values: dict[str, Any]) -> str:
    """`manifest.json`: what made this model, as indented JSON."""
    return json.dumps(values, indent=2, sort_keys=True) + "\n"
