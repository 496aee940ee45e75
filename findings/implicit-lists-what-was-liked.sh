#!/usr/bin/env bash
# implicit's filter of liked items does not leave them out: they come back at the end of every list that it cannot fill.
#
# Versions: implicit 0.7.3, numpy 2.3.5, scipy 1.16.3.
# Behaviour: `recommend(..., filter_already_liked_items=True)`, which is the default and by its docstring does not return liked
#   items, gives them another score and keeps them. With item kNN that score is 0.0, and whoever liked little has few neighbours:
#   in this made-up feedback of 500 users, 2 to 7 likes of 1,000 items each, half of the lists of 50 hold liked items, some lists
#   of 10 do, and no list is shorter for it. With ALS the score is the lowest float32, and the same happens as soon as fewer items
#   are left than asked for (`items=`, a small catalogue). Ids that go into a table of recommendations without a look at the
#   scores sell people what they have.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 to 3.13 (PYTHON names it), a package index, 1 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="implicit==0.7.3 numpy==2.3.5 scipy==1.16.3"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
from scipy import sparse

USERS, ITEMS = 500, 1_000
print("implicit", importlib.metadata.version("implicit"))
generator = np.random.default_rng(0)
chance = 1 / (1 + np.arange(ITEMS)) ** 0.8
likes = [generator.choice(ITEMS, generator.integers(2, 8), replace=False, p=chance / chance.sum()) for _ in range(USERS)]
users = np.repeat(np.arange(USERS), [len(row) for row in likes])
matrix = sparse.csr_matrix((np.ones(len(users)), (users, np.concatenate(likes))), shape=(USERS, ITEMS))


def tell(name: str, model: object, length: int, **limits: object) -> None:
    ids, scores = model.recommend(np.arange(USERS), matrix, N=length, filter_already_liked_items=True, **limits)
    liked = np.array([np.isin(listed, own) for listed, own in zip(ids, likes)])
    share = liked.any(axis=1).mean()
    words = "none" if share == 0 else "a tenth or less" if share <= 0.1 else "a third or more" if share > 1 / 3 else "some"
    print(f"{name}, {ids.shape[1]} items: lists with a liked item: {words}")
    if share:
        print(f"  scores of the liked ones: {sorted({f'{score:.3g}' for score in scores[liked]})}")


knn = CosineRecommender(K=20)
knn.fit(matrix, show_progress=False)
for length in (10, 50):
    tell("item kNN", knn, length)
als = AlternatingLeastSquares(factors=16, random_state=0, use_gpu=False)
als.fit(matrix.astype(np.float32), show_progress=False)
tell("ALS", als, 10)
tell("ALS, of 12 items", als, 10, items=np.arange(12))
PYTHON

OPENBLAS_NUM_THREADS=1 env/bin/python measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
implicit 0.7.3
item kNN, 10 items: lists with a liked item: a tenth or less
  scores of the liked ones: ['0']
item kNN, 50 items: lists with a liked item: a third or more
  scores of the liked ones: ['0']
ALS, 10 items: lists with a liked item: none
ALS, of 12 items, 10 items: lists with a liked item: a tenth or less
  scores of the liked ones: ['-3.4e+38']
SEEN
diff seen found && echo "As seen."
