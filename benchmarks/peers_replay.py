"""RePlay's SASRec as a side of `benchmarks/peers.py`, fitted on the likes of a task by its own Lightning module.

RePlay asks for an older polars than the other peers are pinned to, so it runs in an environment of its own.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from replay.data import FeatureHint, FeatureType
from replay.data.nn import ParquetModule, TensorFeatureInfo, TensorSchema
from replay.nn.lightning import LightningModule
from replay.nn.loss import CE
from replay.nn.sequential import SasRec
from replay.nn.transform.template import make_default_sasrec_transforms

from benchmarks import peers_side
from benchmarks.peers_side import Fitted, Scores
from benchmarks.quality_data import Targets, Task
from benchmarks.workloads import LENGTH

ITEM = "item_id"


class Packed(CE):
    """RePlay's cross-entropy, without the logits of padding, which it works out for 7 tokens in 8 and then ignores."""

    def forward(self, model_embeddings: Any, positive_labels: Any, target_padding_mask: Any, **_: Any) -> Any:
        real = target_padding_mask[..., 0]
        return self._loss(self.logits_callback(model_embeddings[real]), positive_labels[..., 0][real])


def sasrec(task: Task, epochs: int, dropout: float, positions: float = 1.0) -> Fitted:
    """RePlay's SASRec with its full cross-entropy, its Adam and its own padding on the left.

    Args:
        task: What it is trained on.
        epochs: How often it sees each user.
        dropout: Of all its layers.
        positions: What RePlay's position embeddings are multiplied by before the first step.
    """
    items = np.flatnonzero(task.known)
    number = np.zeros(task.items + 1, np.int64)
    number[items] = np.arange(len(items))
    # RePlay takes ids from 0 and pads with the one after the last.
    item = TensorFeatureInfo(
        ITEM,
        FeatureType.CATEGORICAL,
        is_seq=True,
        feature_hint=FeatureHint.ITEM_ID,
        cardinality=len(items),
        padding_value=len(items),
        embedding_dim=64,
    )
    schema = TensorSchema([item])
    model = SasRec.from_params(
        schema, embedding_dim=64, num_heads=1, num_blocks=2, max_sequence_length=LENGTH, dropout=dropout
    )
    with torch.no_grad():
        model.body.embedding_aggregator.pe.weight.mul_(positions)
    loss = Packed()
    loss.logits_callback = model.get_logits
    model.loss = loss
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "likes.parquet"
        rows = [number[row[row > 0][-LENGTH - 1 :]] for row in task.likes]
        pq.write_table(pa.table({ITEM: pa.array(rows, pa.list_(pa.int64()))}), path)
        data = ParquetModule(
            batch_size=128,
            metadata={"train": {ITEM: {"shape": LENGTH + 1, "padding": len(items)}}},
            transforms=make_default_sasrec_transforms(schema),
            train_path=str(path),
        )
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(LightningModule(model), datamodule=data)
    return lambda targets: scores(model.eval(), task, targets, items, number)


def scores(model: Any, task: Task, targets: Targets, items: Scores, number: Scores) -> Scores:
    """The logits of all items at the last like; -inf for a user without a known one, as RecTools leaves them out."""
    found = np.full((len(targets.target), task.items + 1), -np.inf)
    histories = [row[(row > 0) & task.known[row]][-LENGTH:] for row in targets.liked]
    for begin in range(0, len(histories), 256):
        part = histories[begin : begin + 256]
        ids = np.full((len(part), LENGTH), len(items), np.int64)
        for place, row in enumerate(part):
            ids[place, LENGTH - len(row) :] = number[row]
        with torch.no_grad():
            batch = torch.from_numpy(ids)
            logits = model(feature_tensors={ITEM: batch}, padding_mask=batch != len(items))["logits"]
        kept = np.array([place for place, row in enumerate(part) if len(row)], np.int64)
        found[(begin + kept)[:, None], items] = logits.numpy()[kept]
    return found


MODELS: dict[str, Callable[..., Fitted]] = {"SASRec": sasrec}


if __name__ == "__main__":
    peers_side.main(MODELS, __doc__ or "")
