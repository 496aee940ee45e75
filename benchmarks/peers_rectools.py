"""An outside peer of `benchmarks/peers.py`: one model of RecTools or implicit, fitted on the likes of a task.

Runs in the peers' own environment. What it is asked for are scores of all items for the likes of each held-out user.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender, TFIDFRecommender
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.transformers.lightning import TransformerLightningModule
from rectools.models.nn.transformers.ligr import LiGRLayers
from scipy import sparse

from benchmarks import peers_side
from benchmarks.peers_side import Fitted, Scores
from benchmarks.quality_data import Targets, Task, padded
from benchmarks.workloads import LENGTH


def matrix(rows: Scores, items: int) -> sparse.csr_matrix:
    """Rows of item ids as 0 and 1: (rows, items + 1)."""
    user, place = np.nonzero(rows)
    ones = np.ones(len(user), np.float32)
    found = sparse.csr_matrix((ones, (user, rows[user, place])), shape=(len(rows), items + 1))
    found.data[:] = 1.0
    return found


def popular(task: Task, last: int = 0) -> Fitted:
    """How often an item was liked in training; with `last`, among the last likes of each user alone."""
    rows = padded([row[row > 0][-last:] for row in task.likes], last) if last else task.likes
    counts = np.bincount(rows.ravel(), minlength=task.items + 1).astype(float)
    return lambda targets: np.tile(counts, (len(targets.target), 1))


def ease(task: Task, regularization: float) -> Fitted:
    """EASE (Steck 2019), in closed form."""
    likes = matrix(task.likes, task.items)
    gram = (likes.T @ likes).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return lambda targets: matrix(targets.liked, task.items) @ weights


def neighbours(task: Task, k: int, weighting: str = "tfidf") -> Fitted:
    """Implicit's item kNN, cosines of tf-idf or plain co-occurrence."""
    model = (TFIDFRecommender if weighting == "tfidf" else ItemItemRecommender)(K=k)
    model.fit(matrix(task.likes, task.items).astype(np.float64), show_progress=False)
    return lambda targets: np.asarray((matrix(targets.liked, task.items) @ model.similarity).todense())


def als(task: Task, **settings: Any) -> Fitted:
    """Implicit's ALS; the factors of a held-out user are worked out from the history."""
    seed = int(torch.initial_seed())
    model = AlternatingLeastSquares(**settings, iterations=15, random_state=seed, use_gpu=False)
    model.fit(matrix(task.likes, task.items), show_progress=False)

    def score(targets: Targets) -> Scores:
        histories = matrix(targets.liked, task.items)
        users = model.recalculate_user(np.arange(len(targets.target)), histories)
        return np.asarray(users @ model.item_factors.T)

    return score


def frame(rows: Scores) -> pd.DataFrame:
    """A row a like, in the order of the histories."""
    user, place = np.nonzero(rows)
    times = pd.Timestamp("2000-01-01") + pd.to_timedelta(place, unit="s")
    columns = {Columns.User: user, Columns.Item: rows[user, place], Columns.Weight: 1.0, Columns.Datetime: times}
    found: pd.DataFrame = pd.DataFrame(columns)
    return found


class Packed(TransformerLightningModule):
    """RecTools' sampled loss without the logits of padding, and without a copy of each candidate's embedding.

    RecTools takes 128 x 50 x 257 rows of 64 numbers a batch here, seven tokens in eight of them padding, and adds their
    gradients up one by one. The loss is the same to rounding, and the draws of negatives are the same.
    """

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        real = batch["y"] != 0
        items = self.torch_model.item_model.get_all_embeddings()
        sessions = self.torch_model.encode_sessions(batch, items)[real]
        candidates = torch.cat([batch["y"].unsqueeze(-1), batch["negatives"]], dim=-1)[real]
        logits = (sessions @ items.T).gather(-1, candidates).unsqueeze(0) / self.logits_t
        return self.loss_calculator(logits, batch["y"][real].unsqueeze(0), batch["yw"][real].unsqueeze(0))


def sasrec(task: Task, epochs: int, **settings: Any) -> Fitted:
    """RecTools' SASRec; with `layers: ligr` the blocks of eSASRec."""
    import pytorch_lightning as lightning

    if settings.pop("layers", "") == "ligr":
        settings |= {"transformer_layers_type": LiGRLayers, "lightning_module_type": Packed}

    def trainer() -> lightning.Trainer:
        return lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    defaults = {"n_blocks": 2, "n_heads": 1, "n_factors": 64, "session_max_len": LENGTH, "batch_size": 128}
    model = SASRecModel(**{**defaults, **settings}, get_trainer_func=trainer)
    model.fit(Dataset.construct(frame(task.likes)))

    def score(targets: Targets) -> Scores:
        found = np.full((len(targets.target), task.items + 1), -np.inf)
        width = int(targets.seen.astype(bool).sum(axis=1).max()) + 10
        histories = Dataset.construct(frame(np.where(task.known[targets.liked], targets.liked, 0)))
        asked = histories.user_id_map.external_ids
        table = model.recommend(asked, histories, k=width, filter_viewed=True)
        found[table[Columns.User], table[Columns.Item]] = table[Columns.Score]
        return found

    return score


MODELS: dict[str, Callable[..., Fitted]] = {
    "popular": popular,
    "EASE": ease,
    "item kNN": neighbours,
    "ALS": als,
    "SASRec": sasrec,
}


if __name__ == "__main__":
    peers_side.main(MODELS, __doc__ or "")
