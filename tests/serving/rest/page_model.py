"""A model whose dislikes move its lists in a way that can be worked out by hand, without TensorFlow.

Of 15 items the first scores 15 and the last 1. A dislike lowers every item whose place differs from its own by a
multiple of 3, by 6 times `strength` and the weight; likes are only left out.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pnfrec_core import marking, schema
from serving import tensors, wire
from serving.calls import Call
from serving.server import RecommenderServer
from serving.settings import RestSettings, ServerSettings, VersionSettings

ODD_ID: Final = "\"><script>document.title='broken'</script>"
ODD_TITLE: Final = '<b>&"x</b> (1999)'
IDS: Final = [*(f"i{number:02}" for number in range(1, 15)), ODD_ID]
TITLES: Final = {item: f"Film {number} (20{number:02})" for number, item in enumerate(IDS[:-1], start=1)}
TITLES["i05"] = ODD_TITLE
OWN_TITLE: Final = {2: "Only the canary knows it"}
STRENGTHS: Final = {1: 1.0, 2: 2.0}


def scores(disliked: Sequence[str], weight: float) -> dict[str, float]:
    """Of each item, best first; items of equal score in the order of the catalogue."""
    places = [IDS.index(each) for each in disliked if each in IDS]
    found = {
        item: 15.0 - at - weight * sum(6.0 for place in places if (place - at) % 3 == 0) for at, item in enumerate(IDS)
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))


class PageModel:
    """A servable with some of the signatures of a model."""

    def __init__(self, strength: float, names: Sequence[str]) -> None:
        self._strength = strength
        self.signatures = wire.SignatureDefMap()
        for name in names:
            self.signatures.signature_def[name].method_name = "tensorflow/serving/predict"

    def warm_up(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""

    def predict(
        self, signature_name: str, inputs: Any, output_filter: Any = (), call: Call | None = None
    ) -> dict[str, Any]:
        del output_filter, call
        told = {name: tensors.to_lists(inputs[name]) for name in inputs}
        answers = list(self._answers(told))
        width = max(len(items) for items, _ in answers)
        rows = len(answers)

        def table(values: list[list[Any]], filler: Any, dtype: int) -> Any:
            return tensors.to_proto([[*row, *[filler] * (width - len(row))] for row in values], dtype, [rows, width])

        known = [sum(bool(each) for each in row) for row in told[schema.POSITIVE_ITEM_IDS]]
        outputs = {
            schema.OUTPUT_ITEM_IDS: table([list(items) for items, _ in answers], "", tensors.DT_STRING),
            schema.OUTPUT_SCORES: table([list(items.values()) for items, _ in answers], 0.0, tensors.DT_FLOAT),
            schema.OUTPUT_COUNT: tensors.to_proto([len(items) for items, _ in answers], tensors.DT_INT32, [rows]),
            schema.OUTPUT_FALLBACK: tensors.to_proto([not each for each in known], tensors.DT_BOOL, [rows]),
            schema.OUTPUT_KNOWN_ITEMS: tensors.to_proto(known, tensors.DT_INT32, [rows]),
        }
        if signature_name == schema.RECOMMEND_SIGNATURE:
            before = [[without[item] for item in items] for items, without in answers]
            outputs[schema.OUTPUT_SCORES_WITHOUT_RULE] = table(before, 0.0, tensors.DT_FLOAT)
        return outputs

    def _answers(self, told: dict[str, Any]) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
        """The list of each row, and the scores before the rule."""
        for row, k in enumerate(told[schema.K]):
            ids = {name: [each.decode() for each in told[name][row]] for name in _LISTS if name in told}
            weight = told[schema.GAMMA][row] if schema.GAMMA in told else 0.0
            weight = self._strength * (1.0 if math.isnan(weight) else weight)
            seen = {each for row_ids in ids.values() for each in row_ids}
            found = scores(ids.get(schema.NEGATIVE_ITEM_IDS, []), weight)
            left = {item: score for item, score in found.items() if item not in seen}
            yield dict([*left.items()][:k]), scores([], 0.0)


_LISTS: Final = (schema.POSITIVE_ITEM_IDS, schema.NEGATIVE_ITEM_IDS, schema.EXCLUDE_ITEM_IDS)


def push(base: Path, version: int) -> None:
    """A version folder with titles."""
    folder = base / str(version) / schema.EXTRA_ASSETS
    folder.mkdir(parents=True)
    titles = {**TITLES, **({"new": OWN_TITLE[version]} if version in OWN_TITLE else {})}
    lines = [json.dumps({"item_id": item, "title": titles.get(item, "")}) for item in [*IDS, *({*titles} - {*IDS})]]
    (folder / schema.VOCABULARY_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder.parent / "saved_model.pb").touch()


def server_of(
    base: Path,
    versions: Sequence[int] = (1,),
    labels: dict[str, int] | None = None,
    signatures: Sequence[str] = schema.QUERY_SIGNATURES,
    **settings: Any,
) -> RecommenderServer:
    """A server of such versions, each of its own strength, which has begun to serve and shows the page."""
    for version in versions:
        push(base, version)
    for label, version in (labels or {}).items():
        marking.label(base, label, version)
    running = RecommenderServer.of(
        ServerSettings(
            str(base),
            port=0,
            poll_seconds=60,
            rest=RestSettings(port=0, page=True),
            versions=VersionSettings(latest=0),
            **settings,
        ),
        load=lambda _, version: PageModel(STRENGTHS[version], signatures),
    )
    running.start()
    return running
