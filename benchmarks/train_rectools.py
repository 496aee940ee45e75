"""A peer: RecTools' SASRec with its full softmax loss on the positive sequences of a workload.

Compared with our SASRec_p (`train_pnfrec.py --only-positive`). Started by `benchmarks/training.py` in the peers' own
environment.
"""

import argparse
import json
import logging
import resource
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as lightning
import rectools
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

from benchmarks.workloads import LENGTH, Workload


class _Clock(lightning.Callback):
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.losses: list[float] = []

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        self._begin = time.perf_counter()
        self._losses: list[float] = []

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        self._losses.append(float(outputs["loss"]))

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        self.seconds.append(time.perf_counter() - self._begin)
        self.losses.append(float(np.mean(self._losses)))


def interactions(data: Workload) -> pd.DataFrame:
    """One row an interaction, in the order of the sequences."""
    rows, columns = np.nonzero(data.positive)
    frame: pd.DataFrame = pd.DataFrame(
        {
            Columns.User: rows,
            Columns.Item: data.positive[rows, columns],
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2000-01-01") + pd.to_timedelta(columns, unit="s"),
        }
    )
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

    def trainer() -> lightning.Trainer:
        return lightning.Trainer(
            max_epochs=arguments.epochs,
            accelerator="cpu",
            callbacks=[_Clock()],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    model = SASRecModel(
        n_blocks=2,
        n_heads=1,
        n_factors=arguments.dim,
        session_max_len=LENGTH,
        dropout_rate=0.1,
        batch_size=arguments.batch,
        lr=1e-3,
        loss="softmax",
        train_min_user_interactions=2,
        get_trainer_func=trainer,
    )
    model.fit(Dataset.construct(interactions(Workload.read(arguments.workload))))
    # The model trains with a copy of what it was given.
    clock = next(callback for callback in model.fit_trainer.callbacks if isinstance(callback, _Clock))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    version = f"rectools {rectools.__version__}, torch {torch.__version__}"
    result = {"seconds": clock.seconds, "losses": clock.losses, "peak_gib": peak, "version": version}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
