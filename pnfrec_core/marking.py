"""Changes of the marks, each checked against what lies in the serving folder: what `pnfrec models` does.

Every function writes the models.config of TensorFlow Serving anew, where there is one. They raise MarksError where a
change makes no sense, with the remedy, and then nothing is changed; or where that file cannot be written, which the
message then says.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from pnfrec_core import model_marks, serving_config, versions
from pnfrec_core.model_digest import judged_digest, model_digest
from pnfrec_core.model_marks import ConfigFile, Draft, Marks, MarksError, new_mark

Base = str | os.PathLike[str]


def pin(base: Base, version: int, reason: str = "") -> Marks:
    """Makes a version serve whatever is pushed."""
    with _changing(base) as (draft, there):
        _require_good(base, draft.marks, there, version, "pinned")
        draft.set(pinned=new_mark(version, reason))
    return draft.marks


def unpin(base: Base) -> Marks:
    """Lets the newest good version serve again."""
    with _changing(base) as (draft, there):
        if draft.marks.pinned is None:
            serving = draft.marks.serving(there)
            serves = "none serves" if serving is None else f"version {serving} serves, the newest good one"
            msg = f"No version is pinned in {base}: {serves}."
            raise MarksError(msg)
        draft.set(pinned=None)
    return draft.marks


def label(base: Base, name: str, version: int, reason: str = "") -> Marks:
    """Lets a label name a version."""
    model_marks.check_label(name)
    with _changing(base) as (draft, there):
        _require_good(base, draft.marks, there, version, "labelled")
        draft.set(labels={**draft.marks.labels, name: new_mark(version, reason)})
    return draft.marks


def unlabel(base: Base, name: str) -> Marks:
    """Takes a label away."""
    with _changing(base) as (draft, _):
        labels = dict(draft.marks.labels)
        if name not in labels:
            known = ", ".join(sorted(labels)) or "none"
            msg = f"No version in {base} has the label {name!r} (labels: {known})."
            raise MarksError(msg)
        del labels[name]
        draft.set(labels=labels)
    return draft.marks


def rollback(base: Base, version: int | None, reason: str) -> Marks:
    """Marks a model as bad, under every number that it was pushed under; its pin and its labels go.

    Args:
        base: The serving folder.
        version: The version; None takes the newest that is not bad.
        reason: Why, for those who read the marks.
    """
    with _changing(base) as (draft, there):
        marks = draft.marks
        if version is None and marks.pinned is not None:
            msg = (
                f"Version {marks.pinned.version} is pinned in {base}, so that it is not clear which one is bad: name "
                f"it, as in pnfrec models rollback {marks.pinned.version}."
            )
            raise MarksError(msg)
        version = marks.serving(there) if version is None else version
        if version is None:
            msg = f"{base} holds no version that is complete and not bad, so there is nothing to roll back."
            raise MarksError(msg)
        if version in marks.bad:
            msg = f"Version {version} is bad already, since {marks.bad[version]}."
            raise MarksError(msg)
        _require_complete(base, there, version)
        digest = model_digest(there[version])
        same = [each for each in there if each == version or model_digest(there[each]) == digest]
        if not marks.good(set(there) - set(same)):
            msg = (
                f"Version {version} is the last one in {base} that is not bad, so that nothing would be left to serve. "
                "Push another model first (pnfrec run), or take a mark back (pnfrec models unmark VERSION)."
            )
            raise MarksError(msg)
        pinned = marks.pinned if marks.pinned is None or marks.pinned.version not in same else None
        draft.set(
            bad={**marks.bad, **{each: new_mark(each, reason, digest, judged_digest(there[each])) for each in same}},
            labels={name: mark for name, mark in marks.labels.items() if mark.version not in same},
            pinned=pinned,
        )
    return draft.marks


def unmark(base: Base, version: int) -> Marks:
    """Takes it back that a model is bad, under every number that it was pushed under."""
    with _changing(base) as (draft, _):
        bad = draft.marks.bad
        if version not in bad:
            known = ", ".join(map(str, sorted(bad))) or "none"
            msg = f"Version {version} is not marked as bad in {base} (bad: {known})."
            raise MarksError(msg)
        digest = bad[version].model
        draft.set(
            bad={each: mark for each, mark in bad.items() if each != version and not (digest and mark.model == digest)}
        )
    return draft.marks


def write_config(base: Base, config: ConfigFile) -> Path:
    """Writes a models.config for TensorFlow Serving beside the versions, which every change writes anew from now on."""
    with _changing(base) as (draft, there):
        serving_config.write(base, draft.marks, there, config)
        draft.set(config_file=config)
    return serving_config.config_file(base)


@contextlib.contextmanager
def _changing(base: Base) -> Iterator[tuple[Draft, dict[int, Path]]]:
    """A draft of the marks, and the complete versions."""
    if not Path(base).is_dir():
        msg = f"{base} is no folder. Name the folder that the pipeline pushes to: its `serving`, or <output>/serving."
        raise MarksError(msg)
    with model_marks.editing(base) as draft:
        yield draft, versions.complete_versions(base)
    try:
        # Where every version is bad there is nothing that TensorFlow Serving could be told.
        with contextlib.suppress(MarksError):
            serving_config.refresh(base)
    except OSError as error:
        msg = (
            f"The marks are changed, and `pnfrec serve` obeys them; but {serving_config.config_file(base)} cannot be "
            f"written ({error}), so that TensorFlow Serving does not. Mend that: each `pnfrec models` command that "
            "changes something writes it anew, as each push does."
        )
        raise MarksError(msg) from error


def _require_complete(base: Base, there: dict[int, Path], version: int) -> None:
    if version in there:
        return
    known = ", ".join(map(str, there)) or "none"
    incomplete = (Path(base) / str(version)).is_dir()
    why = f"has no {versions.SAVED_MODEL_FILE}, so that it is not complete" if incomplete else f"is not in {base}"
    msg = f"Version {version} {why}. Versions that are there: {known}."
    raise MarksError(msg)


def _require_good(base: Base, marks: Marks, there: dict[int, Path], version: int, become: str) -> None:
    _require_complete(base, there, version)
    if version in marks.bad:
        msg = (
            f"Version {version} cannot be {become}: it is bad, since {marks.bad[version]}. Choose another one, or take "
            f"the mark back first: pnfrec models unmark {version}."
        )
        raise MarksError(msg)
