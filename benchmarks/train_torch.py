"""The peer: PNFRec as a plain PyTorch module, written from the specification for this benchmark.

What most people would write: `nn.MultiheadAttention`, the padded batch all the way, dense logits over it,
cross-entropy that ignores padding. Needs numpy and torch only; `benchmarks/training.py` starts it in an environment of
its own.
"""

import argparse
import json
import math
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.workloads import LENGTH, Workload

ALPHA, BETA = 0.45, 0.25


class Block(nn.Module):
    """One block of a stack."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.query_norm = nn.LayerNorm(dim, eps=1e-8)
        self.attention = nn.MultiheadAttention(dim, 1, dropout=dropout, batch_first=True)
        self.norm = nn.LayerNorm(dim, eps=1e-8)
        self.inner, self.outer = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.inner_dropout, self.outer_dropout = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, causal: torch.Tensor) -> torch.Tensor:
        query = self.query_norm(x)
        attended, _ = self.attention(query, x, x, attn_mask=causal, need_weights=False)
        x = self.norm(query + attended)
        return x + self.outer_dropout(self.outer(self.inner_dropout(functional.relu(self.inner(x)))))


class PNFRec(nn.Module):
    """The network of section 3, its loss of section 4."""

    def __init__(self, items: int, dim: int, blocks: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        self.dim = dim
        self.items = nn.Embedding(items + 1, dim, padding_idx=0)
        self.positions = nn.Embedding(LENGTH, dim)
        self.dropout = nn.Dropout(dropout)
        self.positive = nn.ModuleList(Block(dim, dropout) for _ in range(blocks))
        self.negative = nn.ModuleList(Block(dim, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(dim, eps=1e-8)
        self.register_buffer("causal", torch.triu(torch.ones(LENGTH, LENGTH, dtype=torch.bool), 1))
        for name, weight in self.named_parameters():
            if "norm" not in name:
                nn.init.zeros_(weight) if name.endswith("bias") else nn.init.normal_(weight, std=0.02)
        nn.init.zeros_(self.items.weight.data[0])

    def encode(self, items: torch.Tensor, blocks: nn.ModuleList) -> torch.Tensor:
        real = (items > 0).unsqueeze(-1)
        x = self.items(items) * math.sqrt(self.dim) + self.positions.weight
        x = self.dropout(x) * real
        for block in blocks:
            x = block(x, self.causal) * real
        return self.norm(x)

    def cross_entropy(self, hidden: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if not (labels > 0).any():
            return hidden.sum() * 0.0
        logits = hidden @ self.items.weight[1:].T  # (batch, length, items)
        return functional.cross_entropy(logits.flatten(0, 1), labels.flatten() - 1, ignore_index=-1)

    def contrast(self, hidden: torch.Tensor, labels: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        positive_score = (hidden * self.items(labels)).sum(-1)
        scores = hidden @ self.items(negatives).transpose(1, 2)  # (batch, length, negatives)
        scores = scores.masked_fill((negatives == 0).unsqueeze(1), torch.finfo(scores.dtype).min)
        losses = functional.softplus(torch.logsumexp(scores, -1) - positive_score)
        counts = (labels > 0) & (negatives > 0).any(1, keepdim=True)
        return torch.where(counts, losses, 0.0).sum() / (labels > 0).sum()

    def loss(self, positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
        (x_p, y_p), (x_n, y_n) = ((side[:, :-1] * (side[:, 1:] > 0), side[:, 1:]) for side in (positive, negative))
        h_p, h_n = self.encode(x_p, self.positive), self.encode(x_n, self.negative)
        parts = (self.cross_entropy(h_p, y_p), self.cross_entropy(h_n, y_n), self.contrast(h_p, y_p, x_n))
        return parts[0] + ALPHA * parts[1] + BETA * parts[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    data = Workload.read(arguments.workload)
    sides = torch.from_numpy(data.positive.astype(np.int64)), torch.from_numpy(data.negative.astype(np.int64))
    model = PNFRec(data.items, arguments.dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds, losses = [], []
    for _ in range(arguments.epochs):
        begin, total, batches = time.perf_counter(), 0.0, 0
        for rows in torch.randperm(len(sides[0])).split(arguments.batch):
            optimizer.zero_grad()
            loss = model.loss(sides[0][rows], sides[1][rows])
            loss.backward()
            optimizer.step()
            total, batches = total + loss.item(), batches + 1
        seconds.append(time.perf_counter() - begin)
        losses.append(total / batches)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    result = {"seconds": seconds, "losses": losses, "peak_gib": peak, "version": f"torch {torch.__version__}"}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
