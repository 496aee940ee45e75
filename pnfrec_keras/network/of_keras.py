"""What a PNFRec hands on to `keras.Model`, and what has to be right with it, since Keras takes anything."""

from typing import Any

NAMES = ("name", "dtype", "trainable")


def taken_from(settings: dict[str, Any]) -> dict[str, Any]:
    """Takes what is Keras' own out of the settings of a model.

    Raises:
        ValueError: `trainable` is neither true nor false: Keras reads "no" as true.
    """
    found = {name: settings.pop(name) for name in NAMES if name in settings}
    if not isinstance(found.get("trainable", True), bool):
        msg = f"`trainable` must be true or false. Received: {found['trainable']!r}."
        raise ValueError(msg)
    return found


def check_trainable(model: Any) -> None:
    """Raises a ValueError where a training could change no weight of a model."""
    if not model.trainable_variables:
        msg = (
            "No weight of the model may be trained: `trainable` is false. Set `model.trainable = True`, or that of the "
            "layers to be trained, such as `model.positive_encoder`; to be evaluated and exported it needs no training."
        )
        raise ValueError(msg)
