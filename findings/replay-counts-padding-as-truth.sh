#!/usr/bin/env bash
# RePlay's metrics for PyTorch count the padding of the truth as items that should have been found, unless it is negative.
#
# Versions: replay-rec 0.22.0, torch 2.13.0, Python 3.11.
# Behaviour: users have truths of different sizes, so that the tensor of the truth is padded. `TorchMetricsBuilder.add_prediction` and
#   `MetricsCallback` say that any value will do that is no item's id, and that negative ones are an example. But what counts as truth is
#   each value of 0 and above: with item ids from 1 on and the padding 0, or with a padding above all ids, a user with one item who has it
#   at the top of the list is told to have found one of three. Nothing is said. Recall, NDCG and MAP fall (here from 1.0 to .667, .735 and
#   .667); MRR and precision do not, so that the numbers look plausible. How much they fall depends on the longest truth of the batch, so
#   that the batch size changes the measure. RePlay pads sequences with 0 by default, which is such a value where ids begin at 1.
#   Besides, a list that names an item twice counts it twice: recall and MAP of 2.0.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 (PYTHON names it), a package index, 8 GB in the folder for temporary files, of which PyTorch with CUDA takes most.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="torch==2.13.0 replay-rec[torch]==0.22.0"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import torch
from replay.metrics.torch_metrics_builder import TorchMetricsBuilder

for package in ("replay-rec", "torch"):
    print(package, importlib.metadata.version(package))
NAMES = ("recall", "ndcg", "map", "mrr", "precision")
LISTS = [[1, 2, 3], [4, 5, 6]]


def tell(what: str, batches: list[tuple[list[list[int]], list[list[int]]]]) -> None:
    builder = TorchMetricsBuilder(list(NAMES), [3])
    for lists, truth in batches:
        builder.add_prediction(torch.tensor(lists), torch.tensor(truth))
    found = builder.get_metrics()
    print(f"{what}: " + ", ".join(f"{name} {found[f'{name}@3']:.3f}" for name in NAMES))


print("ids 1 to 6; the first user likes 1, the second 4, 5 and 6; both lists are perfect")
for padding in (-1, 0, 100):
    tell(f"padding {padding}", [(LISTS, [[1, padding, padding], [4, 5, 6]])])
tell("padding 0, a user a batch", [([LISTS[0]], [[1]]), ([LISTS[1]], [[4, 5, 6]])])
tell("the first list is 1, 1, 1, padding -1", [([[1, 1, 1], LISTS[1]], [[1, -1, -1], [4, 5, 6]])])
PYTHON

env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
replay-rec 0.22.0
torch 2.13.0
ids 1 to 6; the first user likes 1, the second 4, 5 and 6; both lists are perfect
padding -1: recall 1.000, ndcg 1.000, map 1.000, mrr 1.000, precision 0.667
padding 0: recall 0.667, ndcg 0.735, map 0.667, mrr 1.000, precision 0.667
padding 100: recall 0.667, ndcg 0.735, map 0.667, mrr 1.000, precision 0.667
padding 0, a user a batch: recall 1.000, ndcg 1.000, map 1.000, mrr 1.000, precision 0.667
the first list is 1, 1, 1, padding -1: recall 2.000, ndcg 1.565, map 2.000, mrr 1.000, precision 1.000
SEEN
diff seen found && echo "As seen."
