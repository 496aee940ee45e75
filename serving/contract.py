"""The contract of `serving_default` (docs/reference/signatures.md) as messages: histories in, items out."""

import contextlib
import dataclasses
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from google.protobuf import message

from pnfrec_core import schema
from serving import errors, tensors, wire

_INT32_MAX = 2**31 - 1
_OUTPUTS = (
    schema.OUTPUT_ITEM_IDS,
    schema.OUTPUT_SCORES,
    schema.OUTPUT_COUNT,
    schema.OUTPUT_FALLBACK,
    schema.OUTPUT_KNOWN_ITEMS,
)
_MORE_OUTPUTS = (schema.OUTPUT_SCORES_WITHOUT_RULE, schema.OUTPUT_GROUPS, schema.OUTPUT_UNKNOWN_ALLOWED)


@dataclasses.dataclass(frozen=True)
class Recommendations:
    """The answer to one history.

    Attributes:
        items: (item id, score), best first.
        fallback: True: no item of the history is known, so the list is by popularity.
        known_items: How many items of the history the model knows.
        version: The model version that answered.
        scores_without_rule: The score of each item before the rule of dislikes; None where nobody asked.
        groups: The group of each item, "" for none; None where nobody asked.
        unknown_allowed: How many of the allowed ids the model does not know; None where nobody asked.
    """

    items: list[tuple[str, float]]
    fallback: bool
    known_items: int
    version: int = 0
    scores_without_rule: list[float] | None = None
    groups: list[str] | None = None
    unknown_allowed: int | None = None


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a query asks of its lists beyond exclusions: the signature `recommend`.

    Attributes:
        allows: One list of the ids that may come back a row, or None in its place where all may.
        max_per_group: How many items of one group may come back, for all rows or one a row; 0 for as many as there are.
    """

    allows: Sequence[Sequence[str] | None] | None = None
    max_per_group: int | Sequence[int] = 0

    @classmethod
    def of(
        cls,
        allows: Sequence[Sequence[str] | None] | None,
        max_per_group: int | Sequence[int],
        explain: bool,
    ) -> "Wishes | None":
        """None where nothing is asked, which every model answers."""
        capped = any(max_per_group) if isinstance(max_per_group, Iterable) else max_per_group != 0
        return cls(allows, max_per_group) if explain or capped or allows is not None else None

    def caps(self) -> list[int]:
        """`max_per_group` as a list: of one value for all rows, or of one a row."""
        return list(self.max_per_group) if isinstance(self.max_per_group, Iterable) else [self.max_per_group]

    def part(self, rows: slice) -> "Wishes":
        """The wishes of some rows."""
        caps = self.caps()
        return Wishes(None if self.allows is None else self.allows[rows], caps if len(caps) == 1 else caps[rows])


def build_request(
    positives: Sequence[Sequence[str]],
    excludes: Sequence[Sequence[str]] | None,
    k: int | Sequence[int],
    model_spec: Any,
    negatives: Sequence[Sequence[str]] | None = None,
    gamma: float | None = None,
    wishes: Wishes | None = None,
) -> Any:
    """The PredictRequest for B histories: string [B, L] and [B, E] padded with "" on the right, int32 [B].

    With `negatives` it is one of the signature `with_negatives`, and has float32 [B] too; with `wishes` one of
    `recommend`.

    Raises:
        TypeError: A row is one string instead of a sequence of ids, or an id is not a string.
        ValueError: The numbers of rows differ, `k` is not a 32-bit number, `gamma` is below 0 or not finite, or a row
            allows nothing.
    """
    rows = len(positives)
    if wishes is not None and negatives is None:
        negatives = [()] * rows
    excludes = [()] * rows if excludes is None else excludes
    ks = list(k) if isinstance(k, Iterable) else [k]
    others = {"exclude": excludes} if negatives is None else {"exclude": excludes, "negative": negatives}
    if any(len(each) != rows for each in others.values()) or len(ks) not in (1, rows):
        names = " and ".join(f"`{name}`" for name in others)
        msg = f"One request needs as many rows of {names} as of `positive`, and one `k` or one a row. Received: "
        counts = [f"{len(each)} of `{name}`" for name, each in others.items()]
        msg += f"{rows} rows of `positive`, {', '.join(counts)}, {len(ks)} of `k`."
        raise ValueError(msg)
    # One a row: TensorFlow Serving joins requests only where all inputs of each have as many rows.
    ks = [_whole(value) for value in ks] * (rows if len(ks) == 1 else 1)
    request = wire.PredictRequest(model_spec=model_spec)
    request.inputs[schema.POSITIVE_ITEM_IDS].CopyFrom(_ids(positives, "positive"))
    if negatives is not None:
        request.inputs[schema.NEGATIVE_ITEM_IDS].CopyFrom(_ids(negatives, "negative"))
        request.inputs[schema.GAMMA].CopyFrom(tensors.to_proto([_weight(gamma)] * rows, tensors.DT_FLOAT))
    request.inputs[schema.EXCLUDE_ITEM_IDS].CopyFrom(_ids(excludes, "exclude"))
    request.inputs[schema.K].CopyFrom(tensors.to_proto(ks, tensors.DT_INT32))
    if wishes is not None:
        _add_wishes(request, wishes, rows)
    return request


def _add_wishes(request: Any, wishes: Wishes, rows: int) -> None:
    caps = wishes.caps()
    allows = [None] * rows if wishes.allows is None else wishes.allows
    if len(allows) != rows or len(caps) not in (1, rows):
        msg = (
            "One request needs as many rows of `allow` as of `positive`, and one `max_per_group` or one a row. "
            f"Received: {rows} rows of `positive`, {len(allows)} of `allow`, {len(caps)} of `max_per_group`."
        )
        raise ValueError(msg)
    for place, row in enumerate(allows):
        # On the wire an empty row allows all, which is not what an empty stock means.
        if row is not None and not any(row):
            msg = f"Row {place} of `allow` allows nothing. Leave it out, or send None, to allow all; else do not ask."
            raise ValueError(msg)
    ids = [() if row is None else row for row in allows]
    request.inputs[schema.ALLOW_ITEM_IDS].CopyFrom(_ids(ids, "allow"))
    sizes = [_whole(cap, schema.MAX_PER_GROUP) for cap in caps] * (rows if len(caps) == 1 else 1)
    request.inputs[schema.MAX_PER_GROUP].CopyFrom(tensors.to_proto(sizes, tensors.DT_INT32))


def _weight(gamma: float | None) -> float:
    """The weight of dislikes as the signature takes it; not a number asks for that of the export."""
    if gamma is None:
        return math.nan
    if 0 <= gamma < math.inf:
        return float(gamma)
    msg = f"`gamma` lowers what is disliked: a finite weight of 0 or more. Received: {gamma!r}."
    raise ValueError(msg)


def _whole(value: Any, name: str = schema.K) -> int:
    """A number of 32 bits; numpy's integers are as good as Python's."""
    with contextlib.suppress(TypeError):
        if not isinstance(value, bool) and abs(number := operator.index(value)) <= _INT32_MAX:
            return number
    msg = f"`{name}` must be a whole number of 32 bits. Received: {value!r}."
    raise ValueError(msg)


def read_response(response: Any, rows: int) -> list[Recommendations]:
    """The answers in a PredictResponse to `rows` histories.

    Raises:
        serving.errors.UnexpectedAnswerError: An output is missing, or its shape is not that of the contract.
    """
    with checked("Predict"):
        ids, scores, counts, fallback, known = (_output(response, name, rows) for name in _OUTPUTS)
        version = int(response.model_spec.version.value)
        more = {name: _output(response, name, rows) for name in _MORE_OUTPUTS if name in response.outputs}
        answers = []
        for row in range(rows):
            listed = slice(0, counts[row])
            items = [
                (item_id.decode(), float(score))
                for item_id, score in zip(ids[row][listed], scores[row][listed], strict=True)
            ]
            explained = _explained(more, row, listed) if len(more) == len(_MORE_OUTPUTS) else {}
            answers.append(Recommendations(items, bool(fallback[row]), int(known[row]), version, **explained))
        return answers


def _explained(more: Mapping[str, list[Any]], row: int, listed: slice) -> dict[str, Any]:
    """What `recommend` tells beside the list."""
    before, groups, unknown = (more[name][row] for name in _MORE_OUTPUTS)
    return {
        "scores_without_rule": [float(score) for score in before[listed]],
        "groups": [group.decode() for group in groups[listed]],
        "unknown_allowed": int(unknown),
    }


def _output(response: Any, name: str, rows: int) -> list[Any]:
    """One output as lists, a row each."""
    if name not in response.outputs:
        msg = f"it lacks the output `{name}` and has {', '.join(sorted(response.outputs)) or 'none'}"
        raise ValueError(msg)
    values = tensors.to_lists(response.outputs[name])
    if not isinstance(values, list) or len(values) != rows:
        shape = wire.shape_text(wire.shape_of(response.outputs[name].tensor_shape))
        msg = f"the output `{name}` needs {rows} rows and has the shape {shape}"
        raise ValueError(msg)
    return values


# Widths that requests have, whatever the length of a history: servers join requests of equal widths into one batch, and
# "" is padding to the model. TensorFlow Serving's own padding (`pad_variable_length_inputs`) repeats a row's first
# element behind its last, so that the oldest like would be read as the newest: it has to stay off.
_WIDTHS = (0, 8, 16, 32, 64, 128, 256, 512)


def _fixed_width(width: int) -> int:
    return next((fixed for fixed in _WIDTHS if fixed >= width), width)


# Lists whose order counts; what is excluded may come as a set.
_ORDERED = ("positive", "negative")


def _ids(rows: Sequence[Sequence[str]], name: str) -> Any:
    """String tensor [rows, a fixed width that holds the longest row]."""
    for row in rows:
        if name in _ORDERED and isinstance(row, (Set, Mapping)):
            kind = type(row).__name__
            msg = f"`{name}` must be in order, oldest first, which a {kind} is not. Send a list of item ids."
            raise TypeError(msg)
        is_list = hasattr(row, "__len__") and not isinstance(row, (str, bytes))
        if not is_list or not all(isinstance(item_id, str) for item_id in row):
            msg = f"`{name}` must be a sequence of item ids, which are strings. Received: {row!r}."
            raise TypeError(msg)
    width = _fixed_width(max(len(row) for row in rows))
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    try:
        return tensors.to_proto(padded, tensors.DT_STRING, [len(rows), width])
    except UnicodeEncodeError as error:
        msg = f"`{name}` holds an id with half a character, which no text has: {error.object!r}."
        raise ValueError(msg) from error


@contextlib.contextmanager
def checked(method: str) -> Iterator[None]:
    """Says that an answer which cannot be read is off the contract.

    Raises:
        serving.errors.UnexpectedAnswerError: In place of the error of the block.
    """
    try:
        yield
    except (ValueError, TypeError, message.DecodeError) as error:
        msg = f"The answer to {method} is not that of a pnfrec model (docs/reference/signatures.md): {error}."
        raise errors.UnexpectedAnswerError(msg) from error
