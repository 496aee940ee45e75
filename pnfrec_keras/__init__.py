"""PNFRec in Keras 3: sequential recommenders that learn from what users liked and from what they disliked.

The package takes a table of interactions (user, item, value, time) to a model that recommends. A script needs a few
names, and this is all of it:

    import keras
    import pandas as pd

    from pnfrec_keras import PNFRec, arrays_from_frame, evaluate, export_saved_model, fit

    ratings = pd.read_parquet("data/movietweetings/ratings.parquet")  # user, item, value, timestamp
    vocabulary, training, validation = arrays_from_frame(ratings, positive=8)  # 8 of 10 and more is liked

    keras.utils.set_random_seed(1)
    model = PNFRec(len(vocabulary), dim=32, alpha=0.45, beta=0.25)
    fit(model, training, validation, epochs=20)  # stops when NDCG@10 no longer rises; keeps the best weights
    print(evaluate(model, validation))  # hr_p, ndcg_p, mrr_p, ..., coverage
    export_saved_model(model, vocabulary, "my_model")

`arrays_from_frame` holds out the last liked item of each user. `PNFRec` is a `keras.Model`: `compile`, `fit`,
`evaluate` and `save` work as in Keras, and its settings are those of `pnfrec_keras.config.ModelConfig`. `fit` is
`model.fit` with early stopping, best weights and, where it is given a folder, an exact resume. `evaluate` ranks the
whole catalogue for each user, without the items that the user has seen. `evaluate_table` measures the lists that any
other library wrote by the same definitions. `export_saved_model` writes a SavedModel that
takes and gives raw item ids, for TensorFlow Serving or `pnfrec serve`; `load_model` makes the model of it again, and
`fit(..., initial=WarmStart(...))` begins with its weights, by item id, whatever has come into the catalogue since.
`join_workers` is for a script that several machines train by, together.

Beneath them lie `examples` (from tables and files to batches), `network`, `losses`, `training`, `ranking`, `evaluation`
and `export`. The package imports neither TFX nor Beam, and to import it loads neither TensorFlow nor Keras: a name
brings what it needs when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pnfrec_keras.evaluation.evaluate import evaluate
    from pnfrec_keras.evaluation.tables import evaluate_table
    from pnfrec_keras.examples.frames import arrays_from_frame
    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.load import load_model
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec
    from pnfrec_keras.training.fitting import fit
    from pnfrec_keras.training.warm import WarmStart
    from pnfrec_keras.training.workers import join_workers

__all__ = [
    "PNFRec",
    "Vocabulary",
    "WarmStart",
    "arrays_from_frame",
    "evaluate",
    "evaluate_table",
    "export_saved_model",
    "fit",
    "join_workers",
    "load_model",
]

_HOMES = {
    "PNFRec": "pnfrec_keras.network.model",
    "Vocabulary": "pnfrec_keras.examples.vocabulary",
    "WarmStart": "pnfrec_keras.training.warm",
    "arrays_from_frame": "pnfrec_keras.examples.frames",
    "evaluate": "pnfrec_keras.evaluation.evaluate",
    "evaluate_table": "pnfrec_keras.evaluation.tables",
    "export_saved_model": "pnfrec_keras.export.saved_model",
    "fit": "pnfrec_keras.training.fitting",
    "join_workers": "pnfrec_keras.training.workers",
    "load_model": "pnfrec_keras.export.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
