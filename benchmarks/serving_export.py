"""Models for the measurements of serving: MovieTweetings' size, random weights.

    PYTHONPATH=CHECKOUT python benchmarks/serving_export.py FOLDER

As a script it exports by the code of an earlier checkout: so it leans on what that has too, and on nothing beside it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ITEMS, DIM, HISTORY = 2706, 64, 50


def export(folder: Path, versions: Mapping[int, int]) -> None:
    """Writes models: number of the version to seed."""
    import keras

    from pnfrec_keras.examples.vocabulary import Vocabulary
    from pnfrec_keras.export.saved_model import export_saved_model
    from pnfrec_keras.network.model import PNFRec

    ids = [str(1_000_000 + number) for number in range(ITEMS)]
    counts = np.arange(ITEMS, 0, -1)
    for version, seed in versions.items():
        keras.utils.set_random_seed(seed)
        model = PNFRec(ITEMS, max_length=HISTORY, dim=DIM)
        export_saved_model(model, Vocabulary(ids, counts, counts), folder / str(version))


if __name__ == "__main__":
    export(Path(sys.argv[1]), {1: 0})
