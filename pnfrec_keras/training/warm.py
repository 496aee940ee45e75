"""A warm start: the weights of an earlier model, by item id, for a new catalogue."""

import dataclasses
import logging
from operator import attrgetter
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from pnfrec_core.kinds import check_kind
from pnfrec_keras.examples.arrays import TrainingArrays
from pnfrec_keras.examples.batch import MIXED
from pnfrec_keras.examples.histories import IntArray
from pnfrec_keras.examples.vocabulary import Vocabulary
from pnfrec_keras.network.model import PNFRec
from pnfrec_keras.network.weights import Array, get_named_weights, set_named_weights
from pnfrec_keras.training.averages import has_averages, start_averages

NewItems = Literal["users", "group", "random"]
_TABLE = "item_embedding"
_OF_AN_EXPORT = "`load_model` gives the model of an export and its vocabulary."

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """What a training begins with in the place of random weights.

    Attributes:
        model: The earlier model. It must have the same network; its catalogue may be another one.
        known: The catalogue of that model.
        vocabulary: That of the model that is trained. Rows of items of both are carried over by their ids, and items
            that are in the earlier one alone are gone.
        new_items: The row of an item that the earlier model does not know: the mean of the items that the "users" liked
            who met it, or of those of its "group" (`Vocabulary.groups`), or "random". What there is no such item for
            falls back to the next of these.
        positions: Whether the tables of positions are carried over, too.
        norms: Whether the scales and shifts of the layer normalisations are.
    """

    model: PNFRec
    known: Vocabulary
    vocabulary: Vocabulary
    new_items: NewItems = "users"
    positions: bool = True
    norms: bool = True

    def __post_init__(self) -> None:
        if self.new_items not in get_args(NewItems):
            msg = f"`new_items` must be one of {', '.join(get_args(NewItems))}. Received: {self.new_items!r}."
            raise ValueError(msg)
        check_kind("model", "a warm start", self.model, PNFRec, _OF_AN_EXPORT)
        check_kind("known", "a warm start", self.known, Vocabulary, _OF_AN_EXPORT)
        check_kind("vocabulary", "a warm start", self.vocabulary, Vocabulary, _OF_AN_EXPORT)

    def apply(self, model: PNFRec, training_data: TrainingArrays) -> None:
        """Gives the weights to a new model.

        Args:
            model: The new model, of `vocabulary`.
            training_data: What it is to be trained on, which says who met a new item.

        Raises:
            ValueError: Its network is another one, or its catalogue is not `vocabulary`.
        """
        self._check(model)
        weights, before = get_named_weights(model), get_named_weights(self.model)
        table, place = weights[_TABLE], self._places()
        is_known = place > 0
        table[is_known] = before[_TABLE][place[is_known]]
        new = np.flatnonzero(~is_known[1:]) + 1
        for rows in (self._by_group(table, is_known), self._by_users(table, is_known, training_data, model)):
            if rows is not None:
                found = new[np.isfinite(rows[new]).all(axis=1)]
                table[found] = rows[found]
                new = np.setdiff1d(new, found)
        kept = {name: value for name, value in before.items() if name != _TABLE and self._takes(name)}
        set_named_weights(model, {**weights, **kept, _TABLE: table})
        if model.compiled and has_averages(model):
            start_averages(model)
        log.info(
            "Warm start: %d items carried over, %d new ones (%d of them at random), %d gone.",
            *(np.count_nonzero(is_known), np.count_nonzero(~is_known) - 1, len(new)),
            len(self.known) - np.count_nonzero(is_known),
        )

    def _takes(self, name: str) -> bool:
        if "_trend" in name:
            return False  # counted anew from what is trained on
        if "_positions" in name:
            return self.positions
        return self.norms or "norm/" not in name

    def _places(self) -> npt.NDArray[np.int64]:
        """(N + 1,), the index of each item of the new catalogue in the earlier one; 0 where it is not there."""
        index = self.known.index()
        return np.array([0, *(index.get(item, 0) for item in self.vocabulary.item_ids)])

    def _by_group(self, table: Array, is_known: npt.NDArray[np.bool_]) -> Array | None:
        """The means of the known items of each item's group; NaN for those that have no group, or a new one."""
        if self.new_items != "group":
            return None
        group = self.vocabulary.group_numbers()
        rows = _means(table, group[is_known], np.flatnonzero(is_known), int(group.max()) + 1)[group]
        rows[group == 0] = np.nan
        return rows

    def _by_users(
        self, table: Array, is_known: npt.NDArray[np.bool_], data: TrainingArrays, model: PNFRec
    ) -> Array | None:
        """The means over the users who met each item of the means of what they liked; NaN for what nobody met."""
        if self.new_items == "random":
            return None
        sequences = [data.positive, data.negative] if model.reads != MIXED or data.mixed is None else [data.mixed]
        liked_by, liked = _pairs(sequences[0])
        taste = _means(table, liked_by[is_known[liked]], liked[is_known[liked]], len(data))
        met = [_pairs(sequence) for sequence in sequences]
        user, item = (np.concatenate([each[part] for each in met]) for part in (0, 1))
        has_taste = np.isfinite(taste[user]).all(axis=1)
        return _means(taste, item[has_taste], user[has_taste], len(table))

    def _check(self, model: PNFRec) -> None:
        if model.num_items != len(self.vocabulary) or self.model.num_items != len(self.known):
            msg = (
                f"A warm start needs the vocabulary of either model. Received: {len(self.vocabulary)} items for a "
                f"model of {model.num_items}, and {len(self.known)} for the earlier one of {self.model.num_items}."
            )
            raise ValueError(msg)
        if differing := differences(model, self.model):
            msg = (
                f"The earlier model has another network, so that its weights cannot be taken: "
                f"{', '.join(differing[:5])} differ{'s' * (len(differing) == 1)}. Train from scratch, or with the same "
                "`model.*` settings."
            )
            raise ValueError(msg)


def differences(model: PNFRec, earlier: PNFRec) -> list[str]:
    """What makes the weights of a model mean nothing in another one: settings, and weights of other shapes.

    Args:
        model: One of them; catalogues and trends may differ.
        earlier: The other one.
    """
    named = (("variant", "reads"), ("num_heads", "config.num_heads"), ("positions", "config.positions"))
    settings = [f"model.{name}" for name, at in named if attrgetter(at)(model) != attrgetter(at)(earlier)]
    shapes = [
        {
            name: value.shape[1:] if name == _TABLE else value.shape
            for name, value in get_named_weights(each).items()
            if "_trend" not in name
        }
        for each in (model, earlier)
    ]
    names = shapes[0].keys() | shapes[1].keys()
    return settings + sorted(name for name in names if shapes[0].get(name) != shapes[1].get(name))


def _pairs(sequence: IntArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and item of everything in padded sequences."""
    user, place = np.nonzero(sequence)
    return user, sequence[user, place].astype(np.int64)


def _means(table: Array, group: npt.NDArray[np.int64], row: npt.NDArray[np.int64], groups: int) -> Array:
    """(groups, d), the mean of the rows of each group; NaN where it has none."""
    sums = np.zeros((groups, table.shape[1]), np.float64)
    np.add.at(sums, group, table[row])
    counts = np.bincount(group, minlength=groups)[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.where(counts, counts, np.nan))
