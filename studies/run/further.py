"""What a study asks of its trials beside ranks: what a dislike does, and what users came to like and dislike later."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pnfrec_core import later as later_measures
from pnfrec_core import responses, schema
from pnfrec_keras.evaluation import later
from pnfrec_keras.evaluation.baselines import ItemKNN
from pnfrec_keras.evaluation.evaluate import Recommender
from pnfrec_keras.evaluation.responsiveness import Relation, coliked, nearest, of_group, respond
from pnfrec_keras.examples.arrays import EvaluationArrays
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from studies.outputs import LATER_LENGTH, LATER_LISTED
from studies.run.targets import days_of, keys_of


class Further(NamedTuple):
    """Of one split.

    Attributes:
        measures: By their names.
        targets: What each target brings into them, (T,), by the names of `studies.outputs`.
    """

    measures: dict[str, float]
    targets: dict[str, npt.NDArray[np.float32]]


def relations_of(data: Path, vocabulary: Vocabulary, max_length: int, model: PNFRec | None) -> list[Relation]:
    """All kinds of relatives of a disliked item that are known: a baseline has no item vectors, and not every table of
    titles has groups.
    """
    from pnfrec_keras.examples.records import read_training

    training = read_training(str(data / f"Split-{schema.TRAIN_SPLIT}" / "*"), vocabulary, max_length)
    found = [coliked(ItemKNN(training, len(vocabulary)).similarities)]
    if model is not None:
        found.append(nearest(np.array(model.item_embedding.embeddings)))
    if vocabulary.groups:
        found.append(of_group(vocabulary))
    return found


def further(
    recommender: Recommender,
    arrays: EvaluationArrays,
    data: Path,
    split: str,
    k: int,
    relations: Sequence[Relation],
    later_days: float,
) -> Further:
    """What is asked for of one split.

    Args:
        recommender: What ranks.
        arrays: Examples of the split.
        data: Folder of prepared data.
        split: "validation" or "test".
        k: Length of the list.
        relations: Which items are like a disliked one; none where responsiveness is not asked for.
        later_days: How many days after the first held-out row count; 0 where that is not asked for.
    """
    measures: dict[str, float] = {}
    targets: dict[str, Any] = {}
    if relations:
        targets |= respond(recommender, arrays, relations, k)
        measures |= {name: responses.mean(values) for name, values in targets.items()}
    if later_days:
        keys = keys_of(data, split)
        found = later.look(recommender, arrays, keys.user, keys.place, days_of(data, split), later_days, k)
        targets |= {LATER_LISTED: found.listed, LATER_LENGTH: found.length}
        measures |= later_measures.measure(found.listed, found.length, keys.user, arrays.is_positive)
    return Further(measures, targets)
