"""How a run ended, as one record: the line of `pnfrec daily`, and a line of the file that `pnfrec history` reads."""

import contextlib
import dataclasses
import datetime
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from components.pusher import properties
from pipeline.events import RunFailed
from pnfrec_core import schema

if TYPE_CHECKING:
    from components.gate.report.content import Row

PUSHED: Final = "pushed"
UNCHANGED: Final = "unchanged"
NOT_BLESSED: Final = "not_blessed"
PUSH_REFUSED: Final = "push_refused"
DRIFT: Final = "refused_by_drift"
FAILED: Final = "failed"
MISCONFIGURED: Final = "misconfigured"
# Exit status of each.
STATUS: Final = {
    PUSHED: 0,
    UNCHANGED: 0,
    FAILED: 1,
    MISCONFIGURED: 2,
    NOT_BLESSED: 3,
    PUSH_REFUSED: 3,
    DRIFT: 4,
}
FILE: Final = "runs.jsonl"
_SHOWN: Final = ("ndcg_p", "ndcg_n", "ndcg_delta")
# The key of what was shown at random, where a run has measured that.
AT_RANDOM: Final = schema.TEST_RANDOM_SPLIT
# Classes of errors that are decisions, and what they decide.
_DECISIONS: Final = {"DriftError": DRIFT, "NotServableError": PUSH_REFUSED}
# What a record, and each of its measures, has to hold to be shown.
_OF_RECORD: Final = {
    **dict.fromkeys(("pipeline", "verdict", "started", "version", "message", "node", "log", "folder"), str),
    **dict.fromkeys(("warnings", "data", "nodes", "pages"), dict),
    **dict.fromkeys(("drift", "measures"), list),
    "seconds": (int, float),
}
_OF_MEASURE: Final = {
    "name": str,
    "verdict": str,
    "bounds": list,
    "value": (int, float, type(None)),
    "interval": (list, type(None)),
}

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        verdict: One of those above.
        started: In seconds since 1970.
        seconds: How long it took.
        node: The node that failed; "" for none.
        message: Why it failed or was refused; "" for no reason.
        log: The log; "" where none was begun.
        outputs: Node to output key to URI.
        pushed: What the artifact `pushed_model` says of itself.
        nodes: Node to how it ended and how many seconds it took.
    """

    verdict: str
    started: float
    seconds: float
    node: str = ""
    message: str = ""
    log: str = ""
    outputs: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    pushed: Mapping[str, object] = dataclasses.field(default_factory=dict)
    nodes: Mapping[str, tuple[str, float]] = dataclasses.field(default_factory=dict)

    @property
    def status(self) -> int:
        """The exit status of `pnfrec run` and `pnfrec daily`."""
        return STATUS[self.verdict]


def verdict_of_failure(failure: RunFailed) -> str:
    """What a run that failed comes to: an error that is a decision is a refusal."""
    return _DECISIONS.get(failure.error, FAILED)


def verdict_of_push(delivered: bool, pushed: Mapping[str, object]) -> str:
    """What a run that came to its end comes to.

    Args:
        delivered: Whether its model is what the serving folder holds.
        pushed: What the artifact `pushed_model` says of itself.
    """
    if delivered:
        return PUSHED if pushed.get(properties.IS_NEW) else UNCHANGED
    return PUSH_REFUSED if pushed.get(properties.REFUSED) else NOT_BLESSED


def make(pipeline: str, ended: Ended) -> dict[str, Any]:
    """The record of a run, of plain values.

    Args:
        pipeline: The name.
        ended: How it ended.
    """
    moment = datetime.datetime.fromtimestamp(int(ended.started), datetime.timezone.utc)
    record: dict[str, Any] = {
        "pipeline": pipeline,
        "verdict": ended.verdict,
        "status": ended.status,
        "started": moment.isoformat(),
        "seconds": round(ended.seconds, 1),
        "version": str(ended.pushed.get(properties.VERSION, "")),
        "folder": str(ended.pushed.get(properties.DESTINATION, "")),
        "node": ended.node,
        "message": ended.message,
        "log": ended.log,
        "warnings": {"feedback": 0, "drift": 0},
        "data": {},
        "drift": [],
        "measures": [],
        "nodes": {name: {"state": state, "seconds": seconds} for name, (state, seconds) in ended.nodes.items()},
        "pages": {},
    }
    record |= _of_feedback(ended.outputs.get("FeedbackGen", {}).get("statistics", ""))
    folder = ended.outputs.get("GateReporter", {}).get("report", "")
    record |= _of_gate(folder) if folder else {}
    if folder and ended.verdict == NOT_BLESSED and not ended.message:
        record["message"] = _why_refused(folder)
    pages = {"feedback": ended.outputs.get("FeedbackGen", {}).get("statistics", ""), "gate": folder}
    record["pages"] = {name: str(Path(place, "report.html")) for name, place in pages.items() if place}
    return record


def _of_feedback(folder: str) -> dict[str, Any]:
    """What the account of the feedback tells of a run; nothing where there is none."""
    path = Path(folder, "statistics.json")
    if not folder or not path.is_file():
        return {}
    account = json.loads(path.read_text(encoding="utf-8"))
    measures = account.get("drift", {}).get("measures", [])
    outside = [{name: each[name] for name in ("name", "value", "low", "high")} for each in measures if each["outside"]]
    return {
        "warnings": {"feedback": len(account["warnings"]), "drift": len(outside)},
        "data": {
            "rows": account["rows"]["read"],
            "users": account["users"]["training"],
            "items": account["items"]["catalogue"],
            "until": account["times"]["last_date"] or account["times"]["last"],
        },
        "drift": outside,
    }


def _of_gate(folder: str) -> dict[str, Any]:
    """The measures of the gate that have a bound, and those of what was shown at random, where that was measured."""
    from components.gate.report import verdict

    report = verdict.read(folder)
    found: dict[str, Any] = {"measures": [_told(row) for row in report.bounded]}
    if report.at_random is not None:
        targets = {"p": report.at_random.count_p, "n": report.at_random.count_n}
        found[AT_RANDOM] = {"targets": targets, "measures": [_told(row) for row in report.at_random.rows]}
    return found


def _why_refused(folder: str) -> str:
    """The reason of the gate, which it prints behind its verdict."""
    from components.gate.report import verdict

    return verdict.read(folder).headline.removeprefix("NOT BLESSED: ")


def at_random(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Of a record, the NDCG of what was shown at random, by its name there; {} where it was not measured."""
    measures = record.get(AT_RANDOM, {}).get("measures", ())
    by_name = {each["name"].partition(" ")[0]: each for each in measures}
    return {name: by_name[name] for name in _SHOWN if name in by_name}


def _told(row: "Row") -> dict[str, Any]:
    interval = None if row.interval is None else [row.interval.low, row.interval.high]
    told = {"name": row.name, "value": row.value, "interval": interval, "bounds": list(row.bounds)}
    return told | {"change": row.change, "verdict": row.verdict}


def add(output: Path, record: Mapping[str, Any]) -> None:
    """Adds a record to those of the output folder, as one line at once.

    Nothing is added to a folder that no run has begun in, and a run whose record cannot be kept is none the worse.
    """
    if not (output / "logs").is_dir():
        return
    path = path_in(output)
    try:
        with path.open("ab+", buffering=0) as file:
            # Behind a line that a full disk cut off, the record begins on one of its own.
            size = file.seek(0, 2)
            file.seek(max(size - 1, 0))
            begin = "" if file.read(1) in (b"", b"\n") else "\n"
            file.write((begin + line_of(record) + "\n").encode())
    except OSError as error:
        log.warning("The record of this run could not be added to %s: %s", path, error)


def line_of(record: Mapping[str, Any], encoding: str = "utf-8") -> str:
    """A record as one line of JSON, whose signs stand for themselves where the encoding has them all.

    A path may hold bytes that are no text, and a terminal or a log be of another time. Some signs, such as U+2028, part
    lines for many readers.
    """
    text = json.dumps(record, ensure_ascii=False)
    if len(text.splitlines()) > 1:
        return json.dumps(record)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(record)
    return text


def path_in(output: Path) -> Path:
    """The file of the records of an output folder."""
    return output / "logs" / FILE


def read(output: Path) -> list[dict[str, Any]]:
    """The records of an output folder, the oldest first; lines that hold none are left out, and told.

    A full disk may cut a line off, and a hand may change one.
    """
    path = path_in(output)
    if not path.is_file():
        return []
    records: list[dict[str, Any]] = []
    others = 0
    # By the lines of a file: `str.splitlines` would part what records quote too, at signs such as U+2028 and U+0085.
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found: Any = None
            with contextlib.suppress(json.JSONDecodeError):
                found = json.loads(line)
            if _is_record(found):
                records.append(found)
            else:
                others += 1
    if others:
        told = (
            "1 line holds no record of a run, and is"
            if others == 1
            else f"{others:,} lines hold no record of a run, and are"
        )
        log.warning("%s: %s left out.", path, told)
    return records


def _is_record(found: Any) -> bool:
    """Whether something has what those who show records take from one."""
    if not (_has(found, _OF_RECORD) and _has(found["warnings"], {"feedback": int, "drift": int})):
        return False
    if found["data"] and not _has(found["data"], {"rows": int, "users": int, "items": int}):
        return False
    at_random = found.get(AT_RANDOM, {"measures": [], "targets": {"p": 0, "n": 0}})
    if not (_has(at_random, {"measures": list, "targets": dict}) and _has(at_random["targets"], {"p": int, "n": int})):
        return False
    return all(_has(each, _OF_MEASURE) for each in (*found["measures"], *at_random["measures"]))


def _has(found: Any, fields: Mapping[str, Any]) -> bool:
    return isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in fields.items())
