"""What `pnfrec models list` prints."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.model_facts import Version
from pnfrec_core.model_marks import CANARY, STABLE, Marks


def serving_sentence(marks: Marks, complete: Iterable[int]) -> str:
    """Which version answers whoever asks for none, and why."""
    there = list(complete)
    serving = marks.serving(there)
    if serving is None:
        return "No version serves: none is there that is complete and not bad."
    if marks.pinned is not None and marks.pinned.version == serving:
        return f"Version {serving} serves: it is pinned since {marks.pinned}."
    why = "the newest" if serving == max(there) else "the newest that is not bad"
    if marks.pinned is not None:
        why += f"; version {marks.pinned.version} is pinned, and not there"
    warning = ""
    if (
        serving in {mark.version for name, mark in marks.labels.items() if name == CANARY}
        and STABLE not in marks.labels
    ):
        warning = f" It is the `{CANARY}` too: pin another version, or label it `{STABLE}`, for everybody else."
    return f"Version {serving} serves: it is {why}.{warning}"


def render(base: Path, found: Sequence[Version]) -> str:
    """The versions as text for a terminal."""
    if not found:
        return f"{base} holds no version yet."
    return f"{base}\n\n" + "\n".join(line for version in found for line in _lines(version))


def to_record(base: Path, found: Sequence[Version]) -> dict[str, Any]:
    """The versions as JSON."""
    serving = next((version.version for version in found if version.serves), None)
    return {"base": str(base), "serves": serving, "versions": [dataclasses.asdict(version) for version in found]}


def _lines(version: Version) -> Iterator[str]:
    words = ["serves"] if version.serves else []
    words += ["pinned"] if version.pinned else []
    words += [f"`{label}`" for label in version.labels]
    words += ["BAD"] if version.bad else []
    if not version.complete:
        words.append("gone" if version.bad else "not complete")
    yield f"{version.version}  {', '.join(words)}".rstrip()
    facts = {
        "bad": f"since {version.bad}" if version.bad else "",
        "pinned": f"since {version.pinned}" if version.pinned else "",
        "pushed": version.pushed,
        "data": _data(version),
        "model": _model(version),
        "from": str(version.lineage.get("model", "")),
        "baseline": str(version.lineage.get("baseline", "")),
    }
    for name, text in facts.items():
        if text:
            yield f"  {name:9} {text}"
    for place, measure in enumerate(version.measures):
        yield f"  {'measures' if place == 0 else '':9} {measure}"
    if version.complete and not version.measures:
        yield f"  {'measures':9} not recorded: pushed by an earlier version, or by another program"


def _data(version: Version) -> str:
    data = version.data
    read = f"read {data['read']}" if "read" in data else ""
    training = f"in training {data['training']}" if "training" in data else ""
    return "; ".join(part for part in (data.get("times", ""), read, training) if part)


def _model(version: Version) -> str:
    lineage = version.lineage
    parts = [str(lineage[name]) for name in ("pipeline", "variant") if name in lineage]
    parts += [f"rule {lineage['rule']}"] if "rule" in lineage else []
    parts += [f"{lineage['items']:,} items"] if isinstance(lineage.get("items"), int) else []
    parts += [f"trained {version.data['trained']}"] if "trained" in version.data else []
    return ", ".join(parts)
