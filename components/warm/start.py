"""Whether a training begins with an earlier model, and with what of it."""

import dataclasses
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pnfrec_core import schema
from pnfrec_keras.config import ModelConfig
from pnfrec_keras.examples.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pnfrec_keras.training.warm import WarmStart

# Key of custom_config, and of the manifest.
WARM = "warm"

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class WarmConfig:
    """How a training begins with the model of the day before.

    Attributes:
        from_scratch_every: Every so many days a training is from scratch; with 0 it never is.
        epochs: The most of a warm training, in the place of `training.epochs`.
        new_items: As of `pnfrec_keras.WarmStart`.
        positions: The same.
        norms: The same.
    """

    from_scratch_every: int
    epochs: int
    new_items: str
    positions: bool
    norms: bool


def days_of(folder: Path) -> int:
    """How many trainings in a row have begun with the one before, up to this export; 0 for one from scratch."""
    path = folder / schema.EXTRA_ASSETS / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return int(manifest.get(WARM, {}).get("days", 0))


def is_due(folder: str, warm: Mapping[str, Any] | None) -> bool:
    """Whether a training begins with an earlier model: where there is one, and its chain is not too long."""
    if warm is None or not folder:
        return False
    config, days = WarmConfig(**warm), days_of(Path(folder)) + 1
    if config.from_scratch_every and days >= config.from_scratch_every:
        log.info("Day %d of `training.from_scratch_every: %d`: training from scratch.", days, config.from_scratch_every)
        return False
    return True


def warm_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a training with its epochs those of a warm one."""
    training = {**settings["training"], "epochs": WarmConfig(**settings[WARM]).epochs, "min_epochs": 0}
    return {**settings, "training": training}


def warm_start(
    folder: str, warm: Mapping[str, Any], vocabulary: Vocabulary, model_config: ModelConfig
) -> "WarmStart | None":
    """The earlier model in an export; None, with a warning, where its network is another one.

    Args:
        folder: Of the SavedModel.
        warm: Fields of a WarmConfig.
        vocabulary: Of the model that is to be trained.
        model_config: Its network.
    """
    from pnfrec_keras.export.load import load_model
    from pnfrec_keras.network.model import PNFRec
    from pnfrec_keras.training.warm import WarmStart, differences

    config = WarmConfig(**warm)
    earlier = load_model(folder)
    # Of one item, and so with the one loss that has no say in how many there are: neither matters to its network.
    wanted = PNFRec(1, dataclasses.replace(model_config, loss="softmax"))
    if differing := differences(wanted, earlier.model):
        told = ", ".join(differing[:5])
        log.warning(
            "The model in %s has another network (`model.*`): training from scratch. Differing: %s.", folder, told
        )
        return None
    return WarmStart(
        *(earlier.model, earlier.vocabulary, vocabulary),
        new_items=config.new_items,  # type: ignore[arg-type]
        positions=config.positions,
        norms=config.norms,
    )
