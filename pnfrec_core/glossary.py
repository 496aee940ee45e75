"""The terms of this project: one name a concept, in docs, code and output.

What an example and a model are made of stands in the glossary of `pnfrec_core.schema`, which every stage reads; `TERMS`
has the others. They stand apart, so that the code behind a result does not change with words that it never reads.
"""

import inspect
import re
from typing import Final

from pnfrec_core import schema

TERMS: Final[dict[str, str]] = {
    "arm": "one thing that a study compares: a model with settings of its own, or a baseline list.",
    "baseline list": (
        "a ranking that nothing is trained for, such as the most popular items, which a study compares models with "
        "(`Arm.baseline`); not the last blessed model."
    ),
    "best epoch": "the epoch with the highest validation NDCG@k of liked targets, whose weights are kept.",
    "blessed": "said of a model that reached every bound of the gate; only a blessed model is pushed.",
    "bound": "what a metric must reach in the gate: `min`, `max`, or `max_loss` against the last blessed model.",
    "configuration": "one YAML file of a pipeline, as `pnfrec config` prints it.",
    "data contract": (
        "the TFDV schema that the examples of a run are validated against (`components/data_contract`); the glossary "
        "and the names of features are `pnfrec_core.schema`."
    ),
    "draw": "one choice of the test users out of the held-out ones, by `feedback.split_seed`.",
    "evaluation": "ranking the targets of a split and averaging their measures, by the Trainer, a study or TFMA.",
    "export rule": (
        "how the exported model lowers items, by what is disliked or by how popular an item is: `export.rule`, weighed "
        "by `export.gamma`; a study has the same rules in the `inference` of an arm."
    ),
    "gate": (
        "the judgement whether a trained model is pushed; the data gate before the training judges the examples by the "
        "data contract."
    ),
    "group": "the liked targets (p) or the disliked targets (n); delta is the difference of their means.",
    "last blessed model": "the blessed model of an earlier run that `max_loss` compares with (the baseline of TFMA).",
    "exposure": "in how many of the recommended lists an item stands.",
    "diversity": "how different the items of a list are: the share of its pairs that come from two groups.",
    "measure": "HR, NDCG or MRR: what the rank of one target is worth.",
    "metric": (
        "the mean of a measure over a group, such as ndcg_p, or the difference of both, or what the lists of all hold, "
        "such as the coverage."
    ),
    "novelty": "how rarely the items of the lists were chosen in training: their mean self-information in bits.",
    "origin": "the data and the code that a result comes from, as a digest; other data or other code have another one.",
    "popularity bucket": (
        "head, middle or tail: where an item stands in the catalogue ordered by training interactions, either polarity."
    ),
    "run": "one execution of a pipeline; its results are artifacts in the folder `output`.",
    "slice": (
        "the examples with one value of a feature, which have a line of their own in the report and may have bounds of "
        "their own."
    ),
    "split rule": "what is held out for validation and test: `feedback.split`.",
    "study": "a question with its arms, each trained with several seeds, whose results are compared with intervals.",
    "training": "the fit of one network; trials whose settings of training are the same share it.",
    "trial": "one arm of a study with one seed.",
    "tuner trial": "one set of settings that the Tuner tries before the training of a run.",
    "variant": "which of the models of the paper a network is: `model.variant`.",
}


def all_terms() -> dict[str, str]:
    """Every term to its meaning, in the order of the alphabet: those of `pnfrec_core.schema` and `TERMS`."""
    text = inspect.cleandoc(schema.__doc__ or "").partition("\nGlossary\n")[2].partition("\n\n")[0]
    entries = [" ".join(entry.split()).partition(": ") for entry in re.split(r"\n(?= {4}\S)", text)]
    terms = {**{name: meaning for name, _, meaning in entries}, **TERMS}
    return dict(sorted(terms.items(), key=lambda item: item[0].lower()))
