#!/usr/bin/env bash
# RecTools' SASRec begins the vectors of items the smaller, the more items there are, and those of positions not.
#
# Versions: rectools 0.19.0, torch 2.13.0, Python 3.11.
# Behaviour: each weight is drawn by Xavier's rule from the shape of its table, so that items begin with a deviation of
#   sqrt(2 / (items + width)) and positions with one of sqrt(2 / (session_max_len + width)). The network adds the two up. Of the variance of
#   what its first block reads at the start, half is the item's where there are 100 items, and four in a thousand where there are 100,000.
#   So the size of the catalogue, and with it a filter of rare items, decides whether the network begins with what an item is or with where
#   it stands, and no setting says so. Positions count from the end here, and so tell how near a label is to the end of the data: two
#   catalogues, or two libraries, are then compared with clocks of different strength.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 (PYTHON names it), a package index, 8 GB in the folder for temporary files, of which PyTorch with CUDA takes most.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="torch==2.13.0 rectools[torch]==0.19.0"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import pandas as pd
import torch
from pytorch_lightning import Trainer
from rectools.dataset import Dataset
from rectools.models import SASRecModel

for package in ("rectools", "torch"):
    print(package, importlib.metadata.version(package))
torch.manual_seed(0)
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


def fresh(items: int) -> SASRecModel:
    """SASRec with the settings of the library, as it begins: one step with a learning rate of 0. Each item is read once."""
    users = [item // 50 for item in range(items)]
    rows = {"user_id": users, "item_id": range(items), "weight": 1.0, "datetime": pd.Timestamp("2024-01-01")}
    trainer = {"max_epochs": 1, "limit_train_batches": 1, "accelerator": "cpu", **QUIET}
    model = SASRecModel(lr=0.0, batch_size=1, get_trainer_func=lambda: Trainer(**trainer))
    return model.fit(Dataset.construct(pd.DataFrame(rows)))


for items in (100, 1_000, 10_000, 100_000):
    network = fresh(items).torch_model
    item = network.item_model.get_all_embeddings()[1:].std()
    position = network.pos_encoding_layer.pos_emb.weight.std()
    share = item**2 / (item**2 + position**2)
    print(f"{items} items: deviation of an item {item:.3f}, of a position {position:.3f}, share of the item {share:.3f}")
PYTHON

env/bin/python -W ignore measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
rectools 0.19.0
torch 2.13.0
100 items: deviation of an item 0.075, of a position 0.075, share of the item 0.502
1000 items: deviation of an item 0.040, of a position 0.075, share of the item 0.221
10000 items: deviation of an item 0.014, of a position 0.075, share of the item 0.033
100000 items: deviation of an item 0.004, of a position 0.075, share of the item 0.004
SEEN
diff seen found && echo "As seen."
