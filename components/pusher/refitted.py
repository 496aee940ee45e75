"""Whether a refitted model may be pushed in the place of the one that was judged.

No row is left that it could be judged by. So it is asked for the lists of held-out users beside the judged one, from
which it may differ as far as newer rows move it, and no further.
"""

import json
import logging
import os
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tfx.dsl.io import fileio

from components.pusher.config import PushConfig, RefitBounds
from components.pusher.programs import NotServableError, Programs
from components.pusher.replay import Compared, compare
from pnfrec_core import schema, served
from pnfrec_core.model_digest import model_digest

_MANIFEST: Final = os.path.join(schema.EXTRA_ASSETS, "manifest.json")
REFITTED, JUDGED = "refitted", "judged"

log = logging.getLogger(__name__)


class Choice(NamedTuple):
    """What is pushed.

    Attributes:
        model: Folder of the SavedModel.
        record: What `refit.json` says of it.
    """

    model: str
    record: dict[str, Any]

    @property
    def sentence(self) -> str:
        """What stands in the model card."""
        if self.record["serves"] == JUDGED:
            return served.JUDGED
        refitted, judged = self.record[REFITTED], self.record[JUDGED]
        return served.of_refitted(refitted["steps"], refitted["items"], judged["items"])


def choose(refitted: str, judged: str, examples: str, config: PushConfig, programs: Programs) -> Choice:
    """The refitted model, unless it is refused.

    Args:
        refitted: Folder of its SavedModel.
        judged: Folder of that of the judged model.
        examples: Folder of the held-out examples whose histories both are asked for; "" where there are none.
        config: The bounds.
        programs: Where both are asked.

    Raises:
        NotServableError: It is refused, and `push.refit.refused` does not say that the judged one is then pushed.
    """
    bounds = config.refit
    # By its digest the judged model is known where the version that it became turns out to be bad.
    of_judged = {**_facts(judged), "digest": model_digest(judged)}
    record: dict[str, Any] = {"serves": REFITTED, REFITTED: _facts(refitted), JUDGED: of_judged}
    if bounds.users and examples:
        found = compare(Compared(refitted, judged, examples), bounds.users, programs)
        if found is not None:
            record["lists"] = found
    record["refused"] = reasons(record, bounds)
    log.info("The refitted model beside the judged one: %s", describe(record))
    if not record["refused"]:
        return Choice(refitted, record)
    told = " ".join(record["refused"])
    if bounds.refused == JUDGED:
        log.warning("The refitted model is refused, and the judged one is pushed: %s", told)
        return Choice(judged, {**record, "serves": JUDGED})
    msg = (
        f"The refitted model is refused, and nothing was pushed: {told} Look at what the newest rows bring; "
        "`push.refit.refused: judged` pushes the judged model in such a case, and `training.refit: false` always."
    )
    raise NotServableError(msg)


def reasons(record: Mapping[str, Any], bounds: RefitBounds) -> list[str]:
    """Why the refitted model is refused: a sentence for each bound that it breaks, with number and bound."""
    refitted, judged = record[REFITTED], record[JUDGED]
    found = []
    share = refitted["items"] / judged["items"]
    if share < bounds.min_items:
        found.append(
            f"It knows {refitted['items']:,} items, {share:.3f} of the {judged['items']:,} that the judged one knows, "
            f"and `push.refit.min_items` is {bounds.min_items:g}."
        )
    lists = record.get("lists")
    if lists is None:
        return found
    if "old_error" in lists:
        return [*found, f"The judged model, which it is compared with, cannot be loaded: {lists['old_error']}."]
    if lists["overlap"] < bounds.min_overlap:
        found.append(
            f"Of the lists of {lists['users']:,} users, {lists['overlap']:.3f} of the items stand in those of the "
            f"judged one too, and `push.refit.min_overlap` is {bounds.min_overlap:g}."
        )
    new, old = lists["new"]["listed"], lists["old"]["listed"]
    if new < bounds.min_coverage * old:
        found.append(
            f"The lists of {lists['users']:,} users hold {new:,} different items, {new / max(old, 1):.3f} of the "
            f"{old:,} of the judged one, and `push.refit.min_coverage` is {bounds.min_coverage:g}."
        )
    return found


def describe(record: Mapping[str, Any]) -> str:
    """What is served beside what was judged, in a line for a terminal."""
    refitted, judged = record[REFITTED], record[JUDGED]
    steps = refitted["steps"]
    said = (
        f"refitted on everything: {steps:,} step{'s' if steps != 1 else ''}, {refitted['training_users']:,} users "
        f"(judged: {judged['training_users']:,}), {refitted['items']:,} items (judged: {judged['items']:,})"
    )
    lists = record.get("lists", {})
    if "overlap" in lists:
        said += f", {100 * lists['overlap']:.0f} % of a list as the judged one has it"
    if record["serves"] == JUDGED:
        return f"the judged model itself, since the one {said} was refused: {' '.join(record['refused'])}"
    return said


def _facts(folder: str) -> dict[str, Any]:
    """What the manifest of an export says of its training."""
    with fileio.open(os.path.join(folder, _MANIFEST)) as stream:
        manifest = json.loads(stream.read())
    wanted = ("items", "training_users", "best_epoch", "steps_per_epoch", "steps")
    return {name: manifest[name] for name in wanted if name in manifest}
