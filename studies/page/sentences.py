"""What a study found and how it was run, in sentences; for the page and for the text document alike."""

from collections.abc import Iterable

from pnfrec_core import measures, schema
from studies.results import further
from studies.results.bootstrap import Interval
from studies.results.chance import may_be_chance
from studies.results.ranks import COMPARED
from studies.results.summary import ArmSummary, Failure, Summary
from studies.results.tables import count_text

# With more arms than this they are counted, not named.
_MANY = 9
# Behind a difference that the users make sure, and the seeds do not.
CHANCE = "°"


def measure_label(measure: str) -> str:
    """As the tables head it: "NDCG_p"."""
    if measure in further.FURTHER:
        return measure.replace("_", " ")
    kind, _, group = measure.partition("_")
    if measure == "coverage":
        return "Coverage"
    return f"Δ{kind.upper()}" if group == "delta" else f"{kind.upper()}_{group}"


def better(measure: str, difference: float) -> bool:
    """Whether a difference is to the good: upwards, but downwards for disliked targets."""
    upwards = further.higher_is_better(measure) if measure in further.FURTHER else measures.higher_is_better(measure)
    return difference > 0 if upwards else difference < 0


def mean_text(arm: ArmSummary, measure: str) -> str:
    """Mean ± SD; the mean alone of one seed."""
    if measure not in arm.mean:
        return "-"
    sd = f" ± {arm.sd[measure]:.4f}" if measure in arm.sd else ""
    return f"{arm.mean[measure]:.4f}{sd}"


def interval_text(found: Interval | None) -> str:
    """Difference with its interval."""
    if found is None:
        return "-"
    return f"{found.estimate:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def further_tables(summary: Summary) -> list[tuple[str, tuple[str, ...]]]:
    """What stands over each table of measures that the study asks for beside the others, and which it has."""
    notes = (
        "What a dislike does: how often the ranks of what is like the disliked item double when the history gains that "
        "dislike, less those of what stood next to it, and the share of lists that hold the nearest item before and "
        "after.",
        f"What came later: one list of {summary.k} a user, made before the first held-out row, and all that the user "
        f"likes (p) and dislikes (n) in the next {summary.declaration.get('later_days', 0):g} days. hr: the share of "
        "these that the list holds; places: the share of the places of a list that they take.",
    )
    found = [
        (note, tuple(name for name in names if any(name in arm.mean for arm in summary.arms)))
        for note, names in zip(notes, further.TABLES, strict=True)
    ]
    return [(note, names) for note, names in found if names]


def findings(summary: Summary) -> list[str]:
    """Which differences the intervals tell from nothing."""
    others = summary.others
    if not others:
        return []
    if len(others) > _MANY:
        return _counts(summary)
    found = []
    for arm in others:
        sure = {name: interval for name, interval in arm.against.items() if interval.excludes_zero}
        if not sure:
            found.append(f"{arm.name}: no difference from {summary.reference} that the intervals tell from zero.")
            continue
        parts = [
            f"{word} in " + ", ".join(names)
            for word, good in (("better", True), ("worse", False))
            if (
                names := [
                    f"{measure_label(name)} ({interval.estimate:+.4f}{mark(summary, arm, name)})"
                    for name, interval in sure.items()
                    if better(name, interval.estimate) == good
                ]
            )
        ]
        found.append(f"{arm.name}: {'; '.join(parts)}.")
    return [*found, *_mark_note(found)]


def mark(summary: Summary, arm: ArmSummary, measure: str) -> str:
    """What stands behind a difference that may be chance of training; "" otherwise."""
    return CHANCE if may_be_chance(summary, arm, measure) else ""


def _mark_note(found: Iterable[str]) -> list[str]:
    if not any(CHANCE in each for each in found):
        return []
    return [
        f"{CHANCE} Chance of training may have made it: other users would hardly change its sign, other seeds could."
    ]


def _counts(summary: Summary) -> list[str]:
    found = []
    for measure in COMPARED[:3]:
        intervals = [arm.against[measure] for arm in summary.others if measure in arm.against]
        sure = [interval for interval in intervals if interval.excludes_zero]
        good = sum(better(measure, interval.estimate) for interval in sure)
        chance = sum(may_be_chance(summary, arm, measure) for arm in summary.others)
        found.append(
            f"{measure_label(measure)}: of {len(intervals)} arms {good} are better and {len(sure) - good} worse than "
            f"{summary.reference} by an interval without zero; chance of training may have made {chance} of these "
            f"{len(sure)}."
        )
    expected = 0.05 * len(summary.others)
    found.append(
        f"Where nothing differs, about {expected:.0f} of {len(summary.others)} intervals leave zero out by chance."
    )
    return found


def selection(summary: Summary) -> str:
    """The rule by which weights and cells were chosen, and that it was not the test."""
    rule = (
        f"Each training kept the weights of the epoch with the best validation NDCG@{summary.k} of liked targets. "
        "Test targets chose nothing; they are only reported."
    )
    if summary.halves:
        rule = (
            f"Each training kept the weights of the epoch with the best validation NDCG@{summary.k} of liked targets, "
            "on the half of the held-out users that its seed did not draw for test. Settings that were chosen on "
            "another draw were chosen on some of these test users."
        )
    chosen = summary.chosen()
    if chosen is None:
        return rule
    return (
        f"{rule} Of the grid, validation NDCG@{summary.k} of liked targets (mean over seeds, "
        f"{chosen.validation['ndcg_p']:.4f}) chooses {chosen.name}."
    )


def intervals(summary: Summary) -> str:
    """How the differences were judged."""
    targets = "on the same test targets of each seed" if summary.halves else "on the same test targets"
    spread = "over seeds, each with its own test users" if summary.halves else "over seeds"
    return (
        f"Differences are of means over seeds from {summary.reference} {targets}, with the 95 % interval of a paired "
        "bootstrap over users. Intervals take the trainings as they are (what other seeds would change shows in the "
        "SD) and are not corrected for the number of comparisons. "
        f"SD is {spread}. {CHANCE}: the interval leaves zero out, but that of the differences of the single seeds "
        "(Student's t, 95 %, paired by seed) does not, so that chance of training may have made it."
    )


def beside(summary: Summary) -> str:
    """What stands over the differences from a second arm."""
    return f"The same from {summary.reference}, on the same targets:"


def gaps(summary: Summary) -> list[str]:
    """What is missing, and what could not be measured."""
    found = [*failures(summary), *alike(summary)]
    if summary.missing:
        shown = "; ".join(summary.missing[:8]) + ("; ..." if len(summary.missing) > 8 else "")
        found.append(f"Not finished: {len(summary.missing)} trials are missing ({shown}).")
    if summary.beside and summary.arm(summary.beside) is None:
        found.append(f"{summary.beside} has no trial yet, so that nothing is compared with it.")
    if summary.arm(summary.reference) is None:
        found.append(f"The reference {summary.reference} has no trial yet, so that nothing is compared with it.")
    elif not summary.others:
        found.append("There is one arm with trials, so that nothing is compared.")
    if all(len(arm.trials) == 1 for arm in summary.arms):
        found.append(
            "There is one trial an arm, so that there is no standard deviation over seeds, and others may turn any "
            "difference of what is trained."
        )
    negative = summary.data.targets - summary.data.positive_targets
    if not negative:
        found.append("No test target is disliked: what needs that group is undefined.")
    if not summary.data.positive_targets:
        found.append("No test target is liked: what needs that group is undefined.")
    return found


def failures(summary: Summary) -> list[str]:
    """A sentence for each arm with trials that failed, so that no mean leaves a seed out in silence."""
    found = []
    for name in dict.fromkeys(failure.arm for failure in summary.failed):
        own = [failure for failure in summary.failed if failure.arm == name]
        said = "; ".join(f"{_trial_name(failure)} failed: {failure.reason.rstrip('.')}" for failure in own)
        arm = summary.arm(name)
        if arm is None:
            found.append(f"{name} has no trial: {said}.")
        else:
            count = f"{len(arm.seeds)} of {arm.planned} seed{'s' if arm.planned != 1 else ''}"
            found.append(f"{name}: its means are of {count}; {said}.")
    if found and summary.halves:
        found.append("Test users that were drawn with a seed that lacks an arm are left out of all arms.")
    return found


def alike(summary: Summary) -> list[str]:
    """A sentence for each group of arms that are one by several names, as by a setting that does nothing there."""
    return [
        f"{', '.join(names[:-1])} and {names[-1]} are the same: what they set apart from each other has no part in how "
        "they are trained and rank, so that no difference between them says anything."
        for names in summary.alike
    ]


def _trial_name(failure: Failure) -> str:
    return "it" if failure.seed is None else f"seed {failure.seed}"


def setting_texts(settings: Iterable[tuple[str, object]]) -> str:
    """`key: value` of several settings on one line; a dash for none."""
    return ", ".join(f"{key}: {value}" for key, value in settings) or "-"


def seeds_text(arm: ArmSummary) -> str:
    """Number of seeds, "4 of 5" where some are not done; "none" of a baseline, which has no chance in it unless a seed
    draws the test users.
    """
    return "none" if arm.seeds == [None] else count_text(len(arm.seeds), arm.planned)


SHARES = (
    *("arm", "training rows: liked", "training rows: disliked", "share liked"),
    *("test rows: liked", "test rows: disliked"),
)


def shares(summary: Summary) -> list[list[str]]:
    """Rows of the table `SHARES`, where arms have rules of polarity of their own; none where all have one."""
    known = [arm for arm in summary.arms if arm.rows]
    if not known or all(arm.rows == known[0].rows for arm in known):
        return []
    found = []
    for arm in known:
        (liked, disliked), test = (
            [arm.rows[split]["positive"], arm.rows[split]["negative"]]
            for split in (schema.TRAIN_SPLIT, schema.TEST_SPLIT)
        )
        share = f"{100 * liked / max(liked + disliked, 1):.0f} %"
        found.append([arm.name, f"{liked:,}", f"{disliked:,}", share, *(f"{number:,}" for number in test)])
    return found


def shares_note() -> str:
    """What the table of shares is of."""
    return (
        "What each rule of polarity makes of the rows, after its own filter of users with too few liked ones. The "
        "measures are on the targets that all arms share, by one rule for all."
    )
