#!/usr/bin/env bash
# A dislike that is written as -1 in the matrix of implicit, LightFM or Cornac is a like, a dislike, nothing, or NaN in others' lists: it hangs on the model.
#
# Versions: implicit 0.7.3, rectools-lightfm 1.17.3, cornac 2.2.1, numpy 1.26.4, scipy 1.15.3, Python 3.11.
# Behaviour: 200 users of two kinds like five of the ten items of their kind. One more user has three items of the first kind, all 1,
#   all -1, or none at all. What the three marks do to that user's scores of the other items of the kind, less those of the other kind:
#   implicit's BPR, Cornac's BPR and WBPR and LightFM's `warp-kos` ask only whether an entry is there, so that three dislikes give the
#   very scores of three likes. LightFM's `warp` and `bpr` leave -1 out, its `logistic` learns from it. implicit's cosine, BM25 and
#   logistic factors turn round, its ALS takes the items for sure zeros, which says nothing about those like them. Its TF-IDF takes
#   the square root of each value: with one user's three dislikes, the lists of more than a quarter of the others hold NaN.
#   No error is raised. The only warning is numpy's, of that root. Who compares such models on one matrix with dislikes compares
#   different data: what each makes of a value has to be read, and for the four that take all for likes, and for TF-IDF, dislikes have to go.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.11 (PYTHON names it), Linux on x86-64, a package index, 6 GB in the folder for temporary files, most of it PyTorch, which Cornac wants.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

packages="implicit==0.7.3 rectools-lightfm==1.17.3 cornac==2.2.1 numpy==1.26.4 scipy==1.15.3"
if command -v uv >/dev/null; then
    uv venv --quiet --python "${PYTHON:-python3.11}" env
    VIRTUAL_ENV=$work/env uv pip install --quiet $packages
else
    "${PYTHON:-python3.11}" -m venv env
    env/bin/pip install --quiet $packages 2>errors || { cat errors >&2; exit 1; }
fi

cat >measure.py <<'PYTHON'
import importlib.metadata
import warnings
from collections.abc import Callable

import cornac
import numpy as np
import scipy.sparse
from cornac.models import BPR, WBPR
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.lmf import LogisticMatrixFactorization
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from lightfm import LightFM

USERS, KIND, MARKED = 200, 10, 3
ASKING = USERS  # the last user
for package in ("implicit", "rectools-lightfm", "cornac"):
    print(package, importlib.metadata.version(package))


def feedback(mark: float | None) -> scipy.sparse.csr_matrix:
    generator = np.random.default_rng(0)
    matrix = np.zeros((USERS + 1, 2 * KIND), np.float32)
    for user in range(USERS):
        matrix[user, (user % 2) * KIND + generator.choice(KIND, 5, replace=False)] = 1
    matrix[ASKING, :MARKED] = mark or 0
    return scipy.sparse.csr_matrix(matrix)


def by_implicit(make: Callable) -> Callable:
    def scores(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        model = make()
        model.fit(matrix, show_progress=False)
        items, found = model.recommend(np.arange(USERS + 1), matrix, N=2 * KIND, filter_already_liked_items=False)
        table = np.zeros(found.shape)
        np.put_along_axis(table, np.maximum(items, 0), np.where(items < 0, 0, found), axis=1)
        return table

    return scores


def by_lightfm(loss: str) -> Callable:
    def scores(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        model = LightFM(no_components=8, loss=loss, random_state=1).fit(matrix.tocoo(), epochs=30, num_threads=1)
        pairs = np.indices(matrix.shape).reshape(2, -1)
        return model.predict(pairs[0], pairs[1]).reshape(matrix.shape)

    return scores


def by_cornac(make: Callable) -> Callable:
    def scores(matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        table = matrix.tocoo()
        rows = [(int(user), int(item), float(value)) for user, item, value in zip(table.row, table.col, table.data)]
        data = cornac.data.Dataset.from_uir(rows, seed=1)
        model = make().fit(data)
        found = np.zeros(matrix.shape)
        for user, place in data.uid_map.items():
            of_user = np.asarray(model.score(place))
            for item, column in data.iid_map.items():
                found[user, item] = of_user[column]
        return found

    return scores


MODELS = {
    "implicit BPR": by_implicit(lambda: BayesianPersonalizedRanking(8, iterations=300, num_threads=1, random_state=1)),
    "Cornac BPR": by_cornac(lambda: BPR(k=8, max_iter=300, seed=1)),
    "Cornac WBPR": by_cornac(lambda: WBPR(k=8, max_iter=300, seed=1)),
    "LightFM warp-kos": by_lightfm("warp-kos"),
    "LightFM warp": by_lightfm("warp"),
    "LightFM bpr": by_lightfm("bpr"),
    "LightFM logistic": by_lightfm("logistic"),
    "implicit ALS": by_implicit(lambda: AlternatingLeastSquares(8, num_threads=1, random_state=1)),
    "implicit logistic": by_implicit(lambda: LogisticMatrixFactorization(8, num_threads=1, random_state=1)),
    "implicit cosine": by_implicit(CosineRecommender),
    "implicit BM25": by_implicit(BM25Recommender),
    "implicit TF-IDF": by_implicit(TFIDFRecommender),
}


def apart(scores: np.ndarray) -> float:
    """The other items of the first kind less those of the second, for the user who asks."""
    return scores[ASKING, MARKED:KIND].mean() - scores[ASKING, KIND:].mean()


def verdict(like: np.ndarray, dislike: np.ndarray) -> str:
    """In words: how much depends on the processor's arithmetic."""
    spoilt = np.isnan(dislike[:USERS]).any(axis=1).mean()
    if spoilt:
        return f"NaN, also in lists of others: {'a quarter of them or more' if spoilt > 1 / 4 else 'some'}"
    if np.array_equal(like, dislike):
        return "a like: all scores of all users are those of +1"
    share = apart(dislike) / apart(like)
    return "a dislike: the kind falls" if share < -0.2 else "nothing for the kind" if share < 0.2 else "a like"


for name, scores in MODELS.items():
    like = scores(feedback(1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dislike = scores(feedback(-1))
    of_values = any("invalid value" in str(each.message) or "negative" in str(each.message) for each in caught)
    print(f"{name}: -1 is {verdict(like, dislike)}{'; a warning of the value' if of_values else ''}")
PYTHON

export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
env/bin/python -W ignore measure.py 2>errors | tee found || { cat errors >&2; exit 1; }

cat >seen <<'SEEN'
implicit 0.7.3
rectools-lightfm 1.17.3
cornac 2.2.1
implicit BPR: -1 is a like: all scores of all users are those of +1
Cornac BPR: -1 is a like: all scores of all users are those of +1
Cornac WBPR: -1 is a like: all scores of all users are those of +1
LightFM warp-kos: -1 is a like: all scores of all users are those of +1
LightFM warp: -1 is nothing for the kind
LightFM bpr: -1 is nothing for the kind
LightFM logistic: -1 is a dislike: the kind falls
implicit ALS: -1 is nothing for the kind
implicit logistic: -1 is a dislike: the kind falls
implicit cosine: -1 is a dislike: the kind falls
implicit BM25: -1 is a dislike: the kind falls
implicit TF-IDF: -1 is NaN, also in lists of others: a quarter of them or more; a warning of the value
SEEN
diff seen found && echo "As seen."
