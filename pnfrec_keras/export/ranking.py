"""`ranking.json` of an export: how its lists are ranked, for those who read it without TensorFlow."""

import dataclasses
import json
from typing import Any

from pnfrec_core import schema

RANKING_FILE = f"{schema.EXTRA_ASSETS}/ranking.json"
# Raised where a key is removed or means something else; a new key needs no new format.
FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Ranking:
    """How an exported model ranks.

    Attributes:
        rule: Name of the rule by which dislikes lower items (`pnfrec_keras.ranking.rules`).
        gamma: Its weight; at 0 no rule acts.
        recency: Weight of what is liked now.
        k: How many items of each list `rank_examples` reports.
        asks_dislikes: Whether the list depends on what a user dislikes, so that the list of `serving_default`, which
            takes no dislikes, is another one than the list of `with_negatives`.
    """

    rule: str
    gamma: float
    recency: float
    k: int
    asks_dislikes: bool

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, path: str) -> "Ranking":
        """The ranking that a file describes; keys that later code may add are left aside.

        Args:
            text: The text of the file.
            path: Its path, for messages.

        Raises:
            ValueError: It is no such file, or of another format.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            found = values["format"]
            kept = {field.name: values[field.name] for field in dataclasses.fields(cls)}
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{path}: does not say how a model ranks ({error!r}). Export the model again."
            raise ValueError(msg) from error
        if found != FORMAT:
            msg = f"{path}: `format` must be {FORMAT}. Received: {found!r}. Export the model again with this code."
            raise ValueError(msg)
        return cls(**kept)
