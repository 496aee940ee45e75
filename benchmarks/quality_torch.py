"""The peer of `benchmarks/quality.py`: the plain PyTorch PNFRec of `train_torch.py`, trained as the paper does it.

Validation after each epoch, patience 10, the weights of the best epoch. Needs numpy and torch only.
"""

import argparse
import copy
import json
import resource
import sys
import time
from typing import Any

import numpy as np
import torch

from benchmarks.quality_data import Targets, Task
from benchmarks.train_torch import PNFRec


def score(model: PNFRec, targets: Targets) -> np.ndarray[Any, Any]:
    """Scores of the catalogue after the last like of each history: (T, items + 1)."""
    model.eval()
    parts = []
    with torch.no_grad():
        for rows in torch.from_numpy(targets.positive.astype(np.int64)).split(512):
            hidden = model.encode(rows, model.positive)
            last = (rows > 0).sum(1) - 1
            parts.append((hidden[torch.arange(len(rows)), last] @ model.items.weight.T).numpy())
    model.train()
    return np.concatenate(parts)


def ndcg(model: PNFRec, targets: Targets) -> dict[str, float]:
    return targets.ndcg(targets.gains(score(model, targets)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--patience", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    task = Task.read(arguments.task)
    sides = torch.from_numpy(task.positive.astype(np.int64)), torch.from_numpy(task.negative.astype(np.int64))
    begin = time.perf_counter()
    model = PNFRec(task.items, arguments.dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds: list[float] = []
    found: list[float] = []
    best, best_weights = -1.0, copy.deepcopy(model.state_dict())
    for epoch in range(arguments.epochs):
        for rows in torch.randperm(len(sides[0])).split(arguments.batch):
            optimizer.zero_grad()
            model.loss(sides[0][rows], sides[1][rows]).backward()
            optimizer.step()
        found.append(ndcg(model, task.targets["validation"])["ndcg_p"])
        seconds.append(time.perf_counter() - begin)
        sys.stderr.write(f"epoch {epoch + 1}: {seconds[-1]:.1f} s, {found[-1]:.4f}\n")
        if found[-1] > best:
            best, best_weights = found[-1], copy.deepcopy(model.state_dict())
        if epoch + 1 - int(np.argmax(found)) > arguments.patience:
            break
    model.load_state_dict(best_weights)
    result = {
        "seconds": seconds,
        "validation": found,
        "test": ndcg(model, task.targets["test"]),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "version": f"torch {torch.__version__}",
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
