"""What is known of a version in a serving folder: read from what the pipeline left in it."""

import contextlib
import dataclasses
import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pnfrec_core import schema, versions
from pnfrec_core.model_marks import Mark, Marks

# Rows of the model card that tell of the data, as it names them, and as they are called here.
_OF_THE_CARD: Final = {"Times": "times", "Read": "read", "In training": "training", "Date of training": "trained"}
_FACT: Final = re.compile(r"^- \*\*(.+?)\*\*: (.+)$", re.MULTILINE)
# Seconds since 1970 from 2001 to 2096: what the Pusher numbers versions by.
_SECONDS: Final = range(1_000_000_000, 4_000_000_000)


@dataclasses.dataclass(frozen=True)
class Measure:
    """One bounded metric of the gate.

    Attributes:
        name: The metric, with its slice where it is of one.
        value: None where it is undefined.
        interval: 95 % interval of the value; None where there is none.
        bounds: Such as ">= 0.05" and "loss <= 0.01".
        change: Value less that of the baseline; None where there was none.
        verdict: "ok", "fail" or "not judged".
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None
    bounds: tuple[str, ...]
    change: float | None
    verdict: str

    def __str__(self) -> str:
        value = "undefined" if self.value is None else f"{self.value:.4f}"
        interval = "" if self.interval is None else f" [{self.interval[0]:.4f}..{self.interval[1]:.4f}]"
        return f"{self.name} {value}{interval} ({', '.join(self.bounds)})"


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of a serving folder.

    Attributes:
        version: Its number.
        complete: Whether servers may load it.
        serves: Whether it answers whoever asks for no version.
        pinned: The mark that pins it, if it is pinned.
        labels: Its labels.
        bad: The mark that calls it bad, if it is bad.
        pushed: When, by its number, or else by its file; "" where neither tells.
        measures: Of the gate, as far as they are bounded; none where the version holds no verdict.
        data: Of the model card: `times`, `read`, `training`, `trained`.
        lineage: `model` and `baseline`: where the artifacts lie; `pipeline`: its name; `variant`, `rule`; `items`;
            `versions` of the software that trained it.
    """

    version: int
    complete: bool
    serves: bool = False
    pinned: Mark | None = None
    labels: tuple[str, ...] = ()
    bad: Mark | None = None
    pushed: str = ""
    measures: tuple[Measure, ...] = ()
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lineage: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def read_versions(base: Path, marks: Marks) -> list[Version]:
    """All versions of a serving folder, the newest first; bad ones whose folder is gone too.

    Raises:
        OSError: The folder cannot be read.
    """
    complete = versions.complete_versions(base)
    names = versions.by_version(entry.name for entry in base.iterdir() if entry.is_dir())
    serving = marks.serving(complete)
    found = []
    for version in sorted({*names, *marks.bad}, reverse=True):
        extra = base / names.get(version, str(version)) / schema.EXTRA_ASSETS
        is_pinned = marks.pinned is not None and marks.pinned.version == version
        found.append(
            Version(
                version,
                version in complete,
                version == serving,
                marks.pinned if is_pinned else None,
                tuple(marks.names_of(version)),
                marks.bad.get(version),
                _pushed(version, extra.parent / versions.SAVED_MODEL_FILE),
                _measures(extra / versions.VERDICT),
                _data(extra / versions.CARD_TEXT),
                _lineage(extra),
            )
        )
    return found


def _pushed(version: int, file: Path) -> str:
    seconds: float = version
    if version not in _SECONDS:
        try:
            seconds = file.stat().st_mtime
        except OSError:
            return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _measures(file: Path) -> tuple[Measure, ...]:
    from components.gate.report import verdict

    try:
        report = verdict.read(file)
    except (OSError, ValueError):
        return ()
    return tuple(
        Measure(
            row.name,
            row.value,
            None if row.interval is None else (row.interval.low, row.interval.high),
            row.bounds,
            row.change,
            row.verdict,
        )
        for row in report.bounded
    )


def _data(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    facts = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _FACT.findall(text)}
    return {own: facts[name] for name, own in _OF_THE_CARD.items() if name in facts}


def _lineage(extra: Path) -> dict[str, Any]:
    report, manifest, ranking = (_json(extra / name) for name in (versions.VERDICT, "manifest.json", "ranking.json"))
    config = _yaml(extra / versions.RUN_SETTINGS)
    model = config.get("model")
    found = {
        "model": report.get("model"),
        "baseline": report.get("baseline_model"),
        "pipeline": config.get("name"),
        "variant": model.get("variant") if isinstance(model, dict) else None,
        "rule": ranking.get("rule"),
        "items": manifest.get("items"),
        "versions": manifest.get("versions"),
    }
    return {name: value for name, value in found.items() if value}


def _json(file: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _yaml(file: Path) -> dict[str, Any]:
    import yaml

    with contextlib.suppress(OSError, ValueError, yaml.YAMLError):
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
