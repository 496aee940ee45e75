#!/usr/bin/env bash
# What seven libraries call NDCG@3, hit rate and recall, on one example with the users that each treats in its own way.
#
# Versions: RecTools 0.19.0, RePlay 0.22.0, ranx 0.3.21, ir-measures 0.4.3, torchmetrics 1.9.0, RecBole 1.2.1, TFMA 0.52.0.
# Behaviour: they agree where a user has one target, one list, and no equal scores, and nowhere else for sure.
# Output: the table SEEN at the end of this file. The script prints what it finds, and fails where that differs.
# Needs: Python 3.10 or 3.11 (PYTHON names it), a package index, 9 GB in the folder for temporary files.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

environment() { # NAME REQUIREMENT...
    local name=$1
    shift
    if command -v uv >/dev/null; then
        uv venv --quiet --python "${PYTHON:-python3.10}" "$name"
        VIRTUAL_ENV=$work/$name uv pip install --quiet "$@"
    else
        "${PYTHON:-python3.10}" -m venv "$name"
        "$name/bin/pip" install --quiet "$@"
    fi
}

cat >example.py <<'PYTHON'
"""The example. Lists are items with scores, the best first; nobody is given d, e or f."""

import importlib.metadata

K = 3
CATALOGUE = ["a", "b", "c", "d", "e", "f"]
THREE = [("a", 3.0), ("b", 2.0), ("c", 1.0)]
LISTS = {"one": THREE, "two": THREE, "none": THREE, "ties": [("a", 1.0), ("b", 1.0), ("c", 1.0)]}
TARGETS = {"one": ["b"], "two": ["a", "f"], "no list": ["a"], "ties": ["a"]}
# Apart from the others, since not all can hold it.
REPEAT_LISTS = {"repeat": [("b", 3.0), ("a", 2.0), ("b", 1.0)]}
REPEAT_TARGETS = {"repeat": ["b"]}
# The first five users again: each target is a user of its own, and scores differ in the order of the list.
SINGLE_TARGETS = {f"{user}, {item}": [item] for user, items in TARGETS.items() for item in items}
SINGLE_LISTS = {
    name: [(item, float(K - place)) for place, (item, _) in enumerate(LISTS[name.split(",")[0]])]
    for name in SINGLE_TARGETS
    if name.split(",")[0] in LISTS
}
COLUMNS = ["one", "two", "none", "no list", "ties", "repeat", "mean", "single"]


def cell(value: object) -> str:
    return value if isinstance(value, str) else f"{float(value):.4f}"


def head() -> None:
    print(f"{'':66}" + "".join(f"{column:>8}" for column in COLUMNS))


def row(package: str, setting: str, per_user: dict, repeat: object, mean: object, single: object) -> None:
    """A line of the table: "left" is a user who is left out of the mean, "n/a" what the input cannot say."""
    name = f"{package} {importlib.metadata.version(package)}"
    found = {**{user: per_user.get(user, "left") for user in COLUMNS[:5]}, "repeat": repeat, "mean": mean}
    cells = [*found.values(), single]
    print(f"{name:34}{setting:32}" + "".join(f"{cell(value):>8}" for value in cells), flush=True)
PYTHON

echo "import example; example.head()" >head.py

cat >tables.py <<'PYTHON'
"""Those that take tables or dictionaries of lists and of targets."""

import warnings

import ir_measures
import pandas as pd
import ranx
import rectools.metrics
import replay.metrics
from example import (
    K, LISTS, REPEAT_LISTS, REPEAT_TARGETS, SINGLE_LISTS, SINGLE_TARGETS, TARGETS, row,
)

warnings.filterwarnings("ignore")  # RePlay warns of repeats
DATA = (LISTS, TARGETS), (REPEAT_LISTS, REPEAT_TARGETS), (SINGLE_LISTS, SINGLE_TARGETS)


def frames(lists, targets):
    listed = [(user, item, n, score) for user, rows in lists.items() for n, (item, score) in enumerate(rows, 1)]
    wanted = [(user, item) for user, items in targets.items() for item in items]
    return (
        pd.DataFrame(listed, columns=["user_id", "item_id", "rank", "score"]),
        pd.DataFrame(wanted, columns=["user_id", "item_id"]),
    )


def told(package, setting, per_user, mean):
    main, repeat, single = DATA
    row(package, setting, per_user(*main), per_user(*repeat)["repeat"], mean(*main), mean(*single))


for setting, metric in {
    "NDCG": rectools.metrics.NDCG(k=K),
    "NDCG divide_by_achievable=True": rectools.metrics.NDCG(k=K, divide_by_achievable=True),
    "HitRate": rectools.metrics.HitRate(k=K),
    "Recall": rectools.metrics.Recall(k=K),
}.items():
    told(
        "rectools",
        setting,
        lambda lists, targets: metric.calc_per_user(*frames(lists, targets)).to_dict(),
        lambda lists, targets: metric.calc(*frames(lists, targets)),
    )

names = {"query_column": "user_id", "item_column": "item_id", "rating_column": "score"}
for kind in (replay.metrics.NDCG, replay.metrics.HitRate, replay.metrics.Recall):
    each = replay.metrics.PerUser()
    for form, data in {"DataFrame": frames, "dict": lambda lists, targets: (lists, targets)}.items():
        told(
            "replay-rec",
            f"{kind.__name__} of a {form}",
            lambda lists, targets: next(iter(kind(K, mode=each, **names)(*data(lists, targets)).values())),
            lambda lists, targets: next(iter(kind(K, **names)(*data(lists, targets)).values())),
        )


def of_ranx(lists, targets, metric):
    qrels = ranx.Qrels({user: {item: 1 for item in items} for user, items in targets.items()})
    run = ranx.Run.from_df(frames(lists, targets)[0], q_id_col="user_id", doc_id_col="item_id", score_col="score")
    mean = ranx.evaluate(qrels, run, metric, make_comparable=True)
    return mean, dict(run.scores[metric])


for metric in (f"ndcg@{K}", f"hit_rate@{K}", f"recall@{K}"):
    told(
        "ranx",
        metric,
        lambda lists, targets: of_ranx(lists, targets, metric)[1],
        lambda lists, targets: of_ranx(lists, targets, metric)[0],
    )


def of_ir(lists, targets):
    qrels = [ir_measures.Qrel(user, item, 1) for user, items in targets.items() for item in items]
    return qrels, [ir_measures.ScoredDoc(user, item, score) for user, rows in lists.items() for item, score in rows]


for measure in (ir_measures.nDCG @ K, ir_measures.Success @ K, ir_measures.R @ K):
    told(
        "ir-measures",
        str(measure),
        lambda *data: {found.query_id: found.value for found in ir_measures.iter_calc([measure], *of_ir(*data))},
        lambda *data: ir_measures.calc_aggregate([measure], *of_ir(*data))[measure],
    )
PYTHON

cat >tensors.py <<'PYTHON'
"""Those that take tensors: rows of scores and relevance, or scores of the whole catalogue."""

import torch
from example import (
    CATALOGUE, K, LISTS, REPEAT_LISTS, REPEAT_TARGETS, SINGLE_LISTS, SINGLE_TARGETS, TARGETS, row,
)
from recbole.evaluator import Collector, Evaluator
from torchmetrics.retrieval import RetrievalHitRate, RetrievalNormalizedDCG, RetrievalRecall


def of_torchmetrics(metric, lists, targets):
    """Rows of what is listed. A user of `targets` without a list has one row, and it is not relevant."""
    users = [*lists, *(user for user in targets if user not in lists and targets is SINGLE_TARGETS)]
    rows = [
        (place, score, int(item in targets.get(user, [])))
        for place, user in enumerate(users)
        for item, score in lists.get(user, [("", 0.0)])
    ]
    indexes, scores, relevant = (torch.tensor(column) for column in zip(*rows))
    metric.reset()
    metric.update(scores, relevant, indexes)
    return float(metric.compute())


for setting, metric in {
    "NormalizedDCG": RetrievalNormalizedDCG(top_k=K),
    "NormalizedDCG, empty=skip": RetrievalNormalizedDCG(top_k=K, empty_target_action="skip"),
    "HitRate": RetrievalHitRate(top_k=K),
    "Recall": RetrievalRecall(top_k=K),
}.items():
    each = {user: of_torchmetrics(metric, {user: rows}, TARGETS) for user, rows in LISTS.items()}
    if metric.empty_target_action == "skip":
        del each["none"]
    repeat = of_torchmetrics(metric, REPEAT_LISTS, REPEAT_TARGETS)
    mean = of_torchmetrics(metric, LISTS, TARGETS)
    # Where users without a relevant row are skipped, a target that is not listed is, too: not what we count.
    single = of_torchmetrics(metric, SINGLE_LISTS, SINGLE_TARGETS)
    row("torchmetrics", setting, each, repeat, mean, single)


def of_recbole(name, lists, targets):
    """Scores of all items, the first of which is RecBole's padding; what is not listed has the lowest."""
    config = {
        "metrics": [name],
        "topk": [K],
        "metric_decimal_place": 8,
        "eval_args": {"mode": {"valid": "full", "test": "full"}},
        "device": "cpu",
    }
    users = list(targets)
    scores = torch.full((len(users), len(CATALOGUE) + 1), -1e9)
    wanted = [(place, CATALOGUE.index(item) + 1) for place, user in enumerate(users) for item in targets[user]]
    for place, user in enumerate(users):
        # Without a list everything but the target comes first.
        for item, score in lists.get(user, [(item, 1.0) for item in CATALOGUE if item not in targets[user]]):
            scores[place, CATALOGUE.index(item) + 1] = score
    collector = Collector(config)
    collector.eval_batch_collect(scores, None, *(torch.tensor(column) for column in zip(*wanted)))
    return Evaluator(config).evaluate(collector.get_data_struct())[f"{name.lower()}@{K}"]


# RecBole's loader of test data goes through the users that have a target, so that "none" never reaches the measure.
with_both = {user: items for user, items in TARGETS.items() if user in LISTS}
for name in ("NDCG", "Hit", "Recall"):
    each = {user: of_recbole(name, LISTS, {user: items}) for user, items in with_both.items()}
    row(
        "recbole",
        name,
        {**each, "no list": "n/a"},
        "n/a",
        of_recbole(name, LISTS, with_both),
        of_recbole(name, SINGLE_LISTS, SINGLE_TARGETS),
    )
PYTHON

cat >gate.py <<'PYTHON'
"""TensorFlow Model Analysis: rows of predictions and gains, grouped by a key."""

import pandas as pd
import tensorflow_model_analysis as tfma
from example import K, LISTS, REPEAT_LISTS, REPEAT_TARGETS, SINGLE_LISTS, SINGLE_TARGETS, TARGETS, row
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

CONFIG = text_format.Parse(
    f"""
    model_specs {{ label_key: "gain" prediction_key: "prediction" }}
    metrics_specs {{
      query_key: "user"
      metrics {{ class_name: "NDCG" config: '{{"gain_key": "gain_of_row", "top_k_list": [{K}]}}' }}
    }}
    slicing_specs {{}}
    """,
    config_pb2.EvalConfig(),
)


def ndcg(lists, targets):
    rows = [
        (user, score, float(item in targets.get(user, []))) for user, listed in lists.items() for item, score in listed
    ]
    frame = pd.DataFrame(rows, columns=["user", "prediction", "gain"])
    result = tfma.analyze_raw_data(frame.assign(gain_of_row=frame["gain"]), CONFIG)
    ((_, found),) = result.slicing_metrics
    return float(found[""][f"topK:{K}"]["ndcg"]["doubleValue"])


def with_targets(lists, targets):
    """Lists of K rows at least, and behind them the targets that they lack."""
    fillers = [(f"filler {place}", float(K - place)) for place in range(K)]
    full = {user: lists.get(user, fillers) for user in targets}
    return {
        user: [*rows, *((item, 0.0) for item in targets[user] if item not in dict(rows))] for user, rows in full.items()
    }


each = {user: ndcg({user: rows}, TARGETS) for user, rows in LISTS.items()}
assert each["none"] != each["none"], "NaN: the user has no weight"
del each["none"]
row(
    "tensorflow-model-analysis",
    "NDCG",
    each,
    ndcg(REPEAT_LISTS, REPEAT_TARGETS),
    ndcg(LISTS, TARGETS),
    ndcg(with_targets(SINGLE_LISTS, SINGLE_TARGETS), SINGLE_TARGETS),
)
PYTHON

environment tables rectools==0.19.0 replay-rec==0.22.0 ranx==0.3.21 ir-measures==0.4.3 \
    numpy==1.26.4 pandas==2.3.3 scipy==1.15.3 polars==1.44.2 numba==0.68.1 pytrec-eval-terrier==0.5.11
# RecBole 1.2.1 calls np.float, which left numpy with 1.24.
environment tensors torchmetrics==1.9.0 recbole==1.2.1 torch==2.13.0 numpy==1.23.5 pandas==2.3.3 scipy==1.15.3
environment gate tensorflow-model-analysis==0.52.0 tensorflow==2.21.0 apache-beam==2.75.0 numpy==2.2.6 pandas==2.3.3

run() { # ENVIRONMENT PROGRAM; what a program logs is shown where it fails.
    "$1/bin/python" "$2" 2>log || { cat log >&2; exit 1; }
}
{
    run tables head.py
    run tables tables.py
    run tensors tensors.py
    run gate gate.py
} | tee found

cat >seen <<'SEEN'
                                                                       one     two    none no list    ties  repeat    mean  single
rectools 0.19.0                   NDCG                              0.2961  0.4693    left  0.0000  0.4693  0.7039  0.3087  0.2469
rectools 0.19.0                   NDCG divide_by_achievable=True    0.6309  0.6131    left  0.0000  1.0000  0.9197  0.5610  0.5262
rectools 0.19.0                   HitRate                           1.0000  1.0000    left  0.0000  1.0000  1.0000  0.7500  0.6000
rectools 0.19.0                   Recall                            1.0000  0.5000    left  0.0000  1.0000  1.0000  0.6250  0.6000
replay-rec 0.22.0                 NDCG of a DataFrame               0.6309  0.6131    left  0.0000  0.5000  1.5000  0.4360  0.5262
replay-rec 0.22.0                 NDCG of a dict                    0.6309  0.6131    left  0.0000  1.0000  1.5000  0.5610  0.5262
replay-rec 0.22.0                 HitRate of a DataFrame            1.0000  1.0000    left  0.0000  1.0000  1.0000  0.7500  0.6000
replay-rec 0.22.0                 HitRate of a dict                 1.0000  1.0000    left  0.0000  1.0000  1.0000  0.7500  0.6000
replay-rec 0.22.0                 Recall of a DataFrame             1.0000  0.5000    left  0.0000  1.0000  1.0000  0.6250  0.6000
replay-rec 0.22.0                 Recall of a dict                  1.0000  0.5000    left  0.0000  1.0000  1.0000  0.6250  0.6000
ranx 0.3.21                       ndcg@3                            0.6309  0.6131    left  0.0000  1.0000  0.6309  0.5610  0.5262
ranx 0.3.21                       hit_rate@3                        1.0000  1.0000    left  0.0000  1.0000  1.0000  0.7500  0.6000
ranx 0.3.21                       recall@3                          1.0000  0.5000    left  0.0000  1.0000  1.0000  0.6250  0.6000
ir-measures 0.4.3                 nDCG@3                            0.6309  0.6131    left  0.0000  0.5000  0.6309  0.4360  0.5262
ir-measures 0.4.3                 Success@3                         1.0000  1.0000    left  0.0000  1.0000  1.0000  0.7500  0.6000
ir-measures 0.4.3                 R@3                               1.0000  0.5000    left  0.0000  1.0000  1.0000  0.6250  0.6000
torchmetrics 1.9.0                NormalizedDCG                     0.6309  1.0000  0.0000    left  0.7103  0.9197  0.5853  0.5262
torchmetrics 1.9.0                NormalizedDCG, empty=skip         0.6309  1.0000    left    left  0.7103  0.9197  0.7804  0.8770
torchmetrics 1.9.0                HitRate                           1.0000  1.0000  0.0000    left  1.0000  1.0000  0.7500  0.6000
torchmetrics 1.9.0                Recall                            1.0000  1.0000  0.0000    left  1.0000  1.0000  0.7500  0.6000
recbole 1.2.1                     NDCG                              0.6309  0.6131    left     n/a  1.0000     n/a  0.7480  0.5262
recbole 1.2.1                     Hit                               1.0000  1.0000    left     n/a  1.0000     n/a  1.0000  0.6000
recbole 1.2.1                     Recall                            1.0000  0.5000    left     n/a  1.0000     n/a  0.8333  0.6000
tensorflow-model-analysis 0.52.0  NDCG                              0.6309  1.0000    left    left  0.5000  0.9197  0.7103  0.5262
SEEN
diff seen found && echo "As seen before."
