"""What is known of a call once it is answered, for those who count and write: metrics and logs."""

import dataclasses
import functools
import logging
import random
import re
from collections.abc import Iterable
from typing import Any, Final, Protocol

from pnfrec_core import schema
from serving import wire
from serving.answers import Prediction

logger = logging.getLogger(__name__)

GRPC: Final = "grpc"
REST: Final = "rest"
OK: Final = "OK"
# Methods that are told by their name; others are `other`, so that a caller cannot fill the metrics with names.
METHODS: Final = {
    path: path.rpartition("/")[2] for path in (wire.PREDICT, wire.GET_MODEL_METADATA, wire.GET_MODEL_STATUS)
}
OTHER: Final = "other"
# Stands for what nobody could read of a call: it was refused before, or is no message of its kind.
UNREAD: Final = "unread"
# What tells of a list how it came about.
_NEEDED: Final = (schema.OUTPUT_COUNT, schema.OUTPUT_FALLBACK, schema.OUTPUT_KNOWN_ITEMS, schema.OUTPUT_ITEM_IDS)
_HISTORY: Final = (schema.POSITIVE_ITEM_IDS, schema.NEGATIVE_ITEM_IDS)
# A name comes from outside and goes into files: no more than this of it.
_MOST_NAME: Final = 128
# No secret, and a tenth of what a UUID takes.
_RANDOM: Final = random.Random()
# A request id comes from outside and goes into files: no more than this of it.
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")


@dataclasses.dataclass(frozen=True)
class CallRecord:
    """One call that is over.

    Attributes:
        face: How it came: `grpc` or `rest`.
        request_id: The caller's, or one made here.
        method: A value of `METHODS`, or `other`.
        code: Name of a gRPC status.
        seconds: From when it was read to when it was answered.
        request: The message; None where there was none that could be read.
        response: The message, or a `serving.answers.Prediction`; None where the call failed.
        named: The model, where something else than the request tells it.
    """

    face: str
    request_id: str
    method: str
    code: str
    seconds: float
    request: Any = None
    response: Any = None
    named: str = ""

    @property
    def model(self) -> str:
        """The model that was asked for, whether there is one of that name or not; `unread` where nobody could read it.

        "" is that of a request that names none.
        """
        spec = getattr(self.request, "model_spec", None)
        return (self.named or UNREAD if spec is None else str(spec.name))[:_MOST_NAME]

    @property
    def signature_read(self) -> str:
        """As `signature`, but `unread` where nobody could read it."""
        return UNREAD if self.request is None and self.method == METHODS[wire.PREDICT] else self.signature

    @property
    def signature(self) -> str:
        """The signature that was asked for; "" of calls that ask for none, `other` of one that ranks nothing."""
        if self.method != "Predict":
            return ""
        name = self.request.model_spec.signature_name if self.request is not None else ""
        name = str(name) or schema.SERVING_SIGNATURE
        return name if name in schema.QUERY_SIGNATURES or self.code == OK else OTHER

    @property
    def rows(self) -> int:
        """Users that were asked for; 0 where that cannot be told."""
        if self.method != "Predict" or self.request is None:
            return 0
        sizes = (self.request.inputs[name].tensor_shape.dim for name in _HISTORY[:1] if name in self.request.inputs)
        return next((max(int(size[0].size), 0) for size in sizes if size), 0)

    @property
    def version(self) -> int | None:
        """The version that answered; None where none did."""
        if isinstance(self.response, Prediction):
            return self.response.version
        spec = getattr(self.response, "model_spec", None)
        return int(spec.version.value) if spec is not None and spec.HasField("version") else None

    @functools.cached_property
    def ranked(self) -> "Ranked | None":
        """What the lists say of their users; None where the answer holds no lists."""
        if self.response is None or self.method != "Predict" or self.signature not in schema.QUERY_SIGNATURES:
            return None
        if isinstance(self.response, Prediction) and self.response.rows is not None:
            return Ranked.of_arrays(self.response)
        message = self.response.message() if isinstance(self.response, Prediction) else self.response
        return Ranked.of(self.request, message)


@dataclasses.dataclass(frozen=True)
class Ranked:
    """Lists that were answered.

    Attributes:
        rows: How many.
        fallback: Rows that were answered by popularity.
        empty: Rows whose list is empty.
        unknown: Ids of the histories that the model does not know.
        unknown_allowed: Ids of the lists of what may come back that the model does not know.
        response: The message that they are in, or a `serving.answers.Prediction`.
    """

    rows: int
    fallback: int
    empty: int
    unknown: int
    unknown_allowed: int
    response: Any

    @classmethod
    def of(cls, request: Any, response: Any) -> "Ranked | None":
        """Out of the messages; None where an `output_filter` left out what is needed."""
        outputs = response.outputs
        if any(name not in outputs for name in _NEEDED):
            return None
        count, fallback, known = (outputs[name] for name in _NEEDED[:3])
        sent = [list(request.inputs[name].string_val) for name in _HISTORY if name in request.inputs]
        given = sum(len(ids) - ids.count(b"") for ids in sent)
        return cls(
            len(count.int_val),
            sum(fallback.bool_val),
            sum(number == 0 for number in count.int_val),
            max(given - sum(known.int_val), 0),
            sum(outputs[schema.OUTPUT_UNKNOWN_ALLOWED].int_val) if schema.OUTPUT_UNKNOWN_ALLOWED in outputs else 0,
            response,
        )

    @classmethod
    def of_arrays(cls, answer: Prediction) -> "Ranked | None":
        """As `of`, of arrays."""
        outputs = answer.outputs
        if any(name not in outputs for name in _NEEDED):
            return None
        count, fallback, known = (outputs[name].tolist() for name in _NEEDED[:3])
        sent = [row for name in _HISTORY for row in answer.rows.ragged.get(name, ())]
        given = sum(len(ids) - ids.count(b"") for ids in sent)
        allowed = outputs.get(schema.OUTPUT_UNKNOWN_ALLOWED)
        return cls(
            len(count),
            sum(fallback),
            count.count(0),
            max(given - sum(known), 0),
            0 if allowed is None else sum(allowed.tolist()),
            answer,
        )

    def items(self) -> list[list[str]]:
        """The ids of each row, best first."""
        if isinstance(self.response, Prediction):
            shown = self.response.outputs
            counts, ids = (shown[name].tolist() for name in (schema.OUTPUT_COUNT, schema.OUTPUT_ITEM_IDS))
            rows = zip(ids, counts, strict=True)
            return [[each.decode("utf-8", "replace") for each in row[:count]] for row, count in rows]
        outputs = self.response.outputs
        proto, counts = outputs[schema.OUTPUT_ITEM_IDS], outputs[schema.OUTPUT_COUNT].int_val
        shape = [int(dim.size) for dim in proto.tensor_shape.dim]
        width = shape[1] if len(shape) == 2 else 0
        values = proto.string_val
        return [
            [values[row * width + place].decode("utf-8", "replace") for place in range(min(count, width))]
            for row, count in enumerate(counts)
        ]


class Watcher(Protocol):
    """Whoever wants to know of each call. It is called in the thread of the call."""

    def on_call(self, record: CallRecord) -> None: ...


class Watchers:
    """Tells several watchers. One that fails is logged, and fails no call."""

    def __init__(self, watchers: Iterable[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def on_call(self, record: CallRecord) -> None:
        for watcher in self._watchers:
            try:
                watcher.on_call(record)
            except Exception:
                logger.exception("A call was answered and could not be written down.")


def request_id(given: Any) -> str:
    """The caller's id of a request, or a new one where there is none that may go into a file."""
    if isinstance(given, str) and _ID.fullmatch(given):
        return given
    return f"{_RANDOM.getrandbits(128):032x}"
