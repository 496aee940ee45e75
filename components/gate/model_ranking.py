"""How a `Model` artifact ranks, as far as the gate asks: by what its export wrote, without TensorFlow."""

import os
from typing import Any

from tfx.dsl.io import fileio
from tfx.utils import path_utils

from pnfrec_keras.export.ranking import RANKING_FILE, Ranking


def read_ranking(model: Any) -> Ranking | None:
    """What `ranking.json` of a model says; None where the model was exported by code that wrote none."""
    path = os.path.join(path_utils.serving_model_path(model.uri), RANKING_FILE)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as stream:
        return Ranking.from_json(stream.read(), path)


def asks_dislikes(model: Any) -> bool:
    """Whether the model ranks by what a user dislikes, so that its two lists, told and not told that, differ."""
    ranking = read_ranking(model)
    return ranking is not None and ranking.asks_dislikes
