"""Whether all processes of a training were given the same settings and data, and what differs where they were not."""

import json
from collections.abc import Mapping

from pnfrec_keras.training.greeting import DifferentWorkersError
from pnfrec_keras.training.workers import Workers

ADVICE = (
    "Start all workers again, with the same data and settings: the training goes on after the last epoch that is in "
    "the chief's `state_dir`, and from the beginning where it was given none."
)
# Where only digests are at hand: that they differ is all that is to be said.
DIGEST = "digest "


def check_alike(workers: Workers, facts: Mapping[str, str]) -> None:
    """Raises in all processes where the facts of one are not those of the chief. All have to call it at once.

    Args:
        workers: Who trains.
        facts: By what a reader calls them: a value, or a `DIGEST` of one.

    Raises:
        DifferentWorkersError: Somebody has others; they are named.
        WorkerLostError: Somebody does not answer.
    """
    with workers.watching(ADVICE):
        told = [json.loads(each) for each in workers.contents_of_all(json.dumps(facts).encode())]
    chief = workers.task.describe(0)
    sentences = [
        f"{workers.task.describe(rank)} was given other data or settings than {chief}: {_named(its, told[0])}."
        for rank, its in enumerate(told)
        if its != told[0]
    ]
    if sentences:
        msg = (
            f"{' '.join(sentences)} Each process must read the same rows in the same order, and train with the same "
            "settings."
        )
        raise DifferentWorkersError(msg)


def _named(its: Mapping[str, str], of_chief: Mapping[str, str]) -> str:
    names = [name for name in {**of_chief, **its} if its.get(name) != of_chief.get(name)]
    return "; ".join(_difference(name, its.get(name, "none"), of_chief.get(name, "none")) for name in names)


def _difference(name: str, its: str, of_chief: str) -> str:
    if its.startswith(DIGEST) or of_chief.startswith(DIGEST):
        return f"{name} not the same"
    return f"{name} {its} and not {of_chief}"
