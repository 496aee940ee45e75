"""What an exported model does, measured with its own rule and weights, beside what its signatures tell."""

import dataclasses
from pathlib import Path

import numpy as np

from pnfrec_core import responses
from pnfrec_keras.evaluation import responsiveness
from pnfrec_keras.evaluation.by_rule import by_rule
from pnfrec_keras.examples.records import read_evaluation


def responsiveness_of(folder: str, pattern: str, k: int, most: int) -> dict[str, float]:
    """What a dislike does to the lists of an exported model (`pnfrec_core.responses`), by its own rule.

    Args:
        folder: Of the SavedModel.
        pattern: The files of evaluation examples; their disliked targets count.
        k: Length of the list.
        most: Looks at so many of these targets, at even distances; 0 for all.

    Returns:
        The measures of the nearest items, NaN where no target tells; `targets`, how many do; and `error`, the standard
        error of `response_near`.
    """
    from pnfrec_keras.export.load import load_model
    from pnfrec_keras.export.ranking import RANKING_FILE, Ranking

    path = Path(folder, RANKING_FILE)
    ranking = Ranking.from_json(path.read_text(encoding="utf-8"), str(path))
    model, vocabulary = load_model(folder)
    arrays = read_evaluation(pattern, vocabulary, model.history_length)
    disliked = np.flatnonzero((arrays.is_positive == 0) & (arrays.target > 0))
    if most and len(disliked) > most:
        # The others pass for liked ones, so that those that are looked at keep their places, and their draws.
        kept = disliked[np.linspace(0, len(disliked) - 1, most).astype(np.int64)]
        arrays = dataclasses.replace(arrays, is_positive=np.where(np.isin(np.arange(len(arrays)), kept), 0, 1))
    recommender = by_rule(model, vocabulary, ranking.rule, ranking.gamma, ranking.recency)
    near = responsiveness.nearest(np.array(model.item_embedding.embeddings))
    found = responsiveness.respond(recommender, arrays, [near], k)
    told = found[responses.of_kind(responses.NEAR)].astype(np.float64)
    told = told[np.isfinite(told)]
    error = float(told.std(ddof=1) / np.sqrt(len(told))) if len(told) > 1 else float("nan")
    return {name: responses.mean(values) for name, values in found.items()} | {"targets": len(told), "error": error}
