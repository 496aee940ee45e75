"""One trial, in a process of its own: trains (or takes a baseline), ranks validation and test, writes what it found.

Where the feedback has a log of what was shown at random, its targets are ranked too.

The request names the arm, the configuration, the data and the folder, which appears complete or not at all.
"""

import dataclasses
import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from pnfrec_core import popularity, schema
from pnfrec_core.files import put
from pnfrec_core.locks import making
from pnfrec_keras.config import ModelConfig, TrainingConfig
from pnfrec_keras.evaluation import baselines, evaluate
from pnfrec_keras.evaluation.ranked import measure
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from studies.inference_rule import InferenceRule
from studies.outputs import TRIAL_RANKS, TRIAL_RESULT
from studies.run import further
from studies.run.inference import choose_gamma, recommender, without_positives
from studies.run.targets import keys_of

SPLITS = (schema.VALIDATION_SPLIT, schema.TEST_SPLIT)


@dataclasses.dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
        arm: Name of the arm.
        baseline: Of the arm, or None.
        inference: Of the arm.
        seed: Of the trial, or None.
        model, training: Sections of the configuration.
        data: Folder of examples and vocabulary.
        trained: Folder of the trained model; "" for a baseline.
        target: Folder that the result goes to.
        responsiveness, later_days: Of the study.
    """

    arm: str
    baseline: str | None
    inference: dict[str, Any]
    seed: int | None
    model: dict[str, Any]
    training: dict[str, Any]
    data: str
    trained: str
    target: str
    responsiveness: bool = False
    later_days: float = 0.0


def run(request: Request) -> None:
    """Runs the trial and writes `result.json` and `trial_ranks.npz`."""
    target = Path(request.target)
    # A trial outlives a study that was killed: the next call waits for it, and takes what it found. The lock lies in
    # the folder of the study, since in that of its trials nothing else is.
    with making(target.parents[1] / target.name):
        if not (target / TRIAL_RESULT).is_file():
            _run(request, target)


def _run(request: Request, target: Path) -> None:
    data = Path(request.data)
    partial = target.with_name(f".{target.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    vocabulary = Vocabulary.read(data / "vocabulary" / schema.VOCABULARY_FILE)
    model_config, training = ModelConfig(**request.model), TrainingConfig(**request.training)
    rule = InferenceRule(**request.inference)
    splits = splits_of(data)
    arrays = {split: _examples(data, split, vocabulary, model_config.max_length, rule) for split in splits}
    recommender, model, facts = _recommender(
        request, vocabulary, model_config, training, arrays[schema.VALIDATION_SPLIT]
    )
    asked = request.responsiveness
    relations = further.relations_of(data, vocabulary, model_config.max_length, model) if asked else []
    found: dict[str, Any] = {}
    ranks: dict[str, Any] = {}
    for split in splits:
        ranked = evaluate.rank_all(recommender, arrays[split], training.k)
        found[split] = measure(ranked, training.k, vocabulary.counts, vocabulary.group_numbers())
        ranks |= {f"{split}_rank": ranked.rank, f"{split}_is_positive": ranked.is_positive}
        ranks[f"{split}_bucket"] = popularity.bucket_of(arrays[split].target, len(vocabulary))
        ranks |= {f"{split}_{name}": values for name, values in vars(keys_of(data, split)).items()}
        more = further.further(recommender, arrays[split], data, split, training.k, relations, request.later_days)
        found[split] |= more.measures
        ranks |= {f"{split}_{name}": values for name, values in more.targets.items()}
    names = ("arm", "baseline", "inference", "seed", "model", "training")
    result = {
        **{name: getattr(request, name) for name in names},
        **found,
        "items": len(vocabulary),
        # Of this process; those of the training, which may be another's, are among the facts.
        "seconds": time.perf_counter() - begin,
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        **facts,
    }
    np.savez(partial / TRIAL_RANKS, **ranks)
    (partial / TRIAL_RESULT).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    put(partial, target)


def splits_of(data: Path) -> tuple[str, ...]:
    """The splits of prepared data that a trial ranks: also what was shown at random, where there are such targets."""
    statistics = json.loads((data / "statistics" / "statistics.json").read_text(encoding="utf-8"))
    at_random = statistics.get(schema.TEST_RANDOM_SPLIT)
    return (*SPLITS, schema.TEST_RANDOM_SPLIT) if at_random and at_random["examples"]["all"] else SPLITS


def _examples(data: Path, split: str, vocabulary: Vocabulary, max_length: int, rule: InferenceRule) -> EvaluationArrays:
    from pnfrec_keras.examples.records import read_evaluation

    arrays = read_evaluation(str(data / f"Split-{split}" / "*"), vocabulary, max_length)
    return without_positives(arrays) if rule.without_positives else arrays


def _recommender(
    request: Request,
    vocabulary: Vocabulary,
    model_config: ModelConfig,
    training: TrainingConfig,
    validation: EvaluationArrays,
) -> tuple[evaluate.Recommender, PNFRec | None, dict[str, Any]]:
    """What ranks, the model in it, and facts about how it came to be."""
    if request.baseline == "most_popular":
        return baselines.most_popular(vocabulary), None, {}
    if request.baseline == "most_popular_positive":
        return baselines.most_popular_positive(vocabulary), None, {}
    if request.baseline == "most_popular_recent":
        return baselines.most_popular_recent(vocabulary), None, {}
    if request.baseline == "item_knn":
        from pnfrec_keras.examples.records import read_training

        arrays = read_training(str(Path(request.data) / "Split-train" / "*"), vocabulary, model_config.max_length)
        return baselines.ItemKNN(arrays, len(vocabulary)), None, {}
    from studies.run.trained import trained

    done = trained(Path(request.trained), Path(request.data), model_config, training, _say_epoch)
    rule = InferenceRule(**request.inference)
    user = keys_of(Path(request.data), schema.VALIDATION_SPLIT).user
    gamma, tried = choose_gamma(done.model, vocabulary, rule, validation, user, training.k)
    facts = {**done.facts, "gamma": gamma, "gamma_validation": tried}
    return recommender(done.model, vocabulary, rule, gamma), done.model, facts


def _say_epoch(epoch: int, logs: dict[str, float]) -> None:
    # One line an epoch for the process that waits.
    sys.stdout.write(json.dumps({"epoch": epoch, "ndcg": float(logs["val_ndcg_p"])}) + "\n")
    sys.stdout.flush()
