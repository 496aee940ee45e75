from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pnfrec_keras.network.model import PNFRec


@pytest.fixture(scope="module")
def model() -> "PNFRec":
    """A small model of the catalogue in `tests.pnfrec_keras.export.asking`."""
    # Not above: not every test here needs TensorFlow.
    import keras

    from pnfrec_keras.network.model import PNFRec
    from tests.pnfrec_keras.export.asking import ITEMS, LENGTH

    keras.utils.set_random_seed(5)
    return PNFRec(ITEMS, max_length=LENGTH, dim=8, k=10)
