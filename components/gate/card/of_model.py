"""The model of the card: how it was trained and how it ranks, and what dislikes do in it."""

from collections.abc import Iterator

from components.gate.card.document import MISSING, Block, Facts, Paragraph, Points, Section, Words
from components.gate.card.of_measures import value_of
from components.gate.card.sources import Sources, at, told
from components.gate.config import DEFAULT_PREFIX
from pnfrec_core.variants import VARIANTS, Variant
from pnfrec_keras.export.ranking import Ranking
from pnfrec_keras.ranking.rules import Rule, registry

# Keys of `model` in the configuration, and what the card calls them.
_SETTINGS = {
    "dim": "Width (dim)",
    "num_blocks": "Blocks",
    "num_heads": "Heads",
    "block": "Kind of block",
    "max_length": "Items read of a history (max_length)",
    "alpha": "alpha, weight of the loss of disliked items",
    "beta": "beta, weight of the contrastive loss",
    "loss": "Loss",
    "trend_days": "Days of the trend (0: none)",
}
# Those that are told where they are set: most models have none of them.
_FURTHER = {
    "eta": 'eta, weight of "not to recommend"',
    "preference": "preference, weight of likes above dislikes",
    "soft_boundary": "Distance from the boundary that counts in full (soft_boundary)",
}


def model(sources: Sources) -> Section:
    """What was trained, and when."""
    manifest, config, ranking = sources.manifest, sources.config, sources.ranking
    facts = [
        ("Date of training", sources.trained_at or MISSING),
        ("Variant", _variant(sources)),
        *_settings(sources),
        ("Epochs", _epochs(sources)),
        ("Seed", told(config, "training", "seed")),
        ("Users whose sequences it was fitted on", told(manifest, "training_users")),
        ("Items it knows", told(manifest, "items")),
        ("Rule of its lists", _rule_name(ranking)),
        ("gamma, weight of the rule", f"{ranking.gamma:g}" if ranking else MISSING),
        ("Recency, weight of what is liked now", f"{ranking.recency:g}" if ranking else MISSING),
    ]
    blocks: list[Block] = [Facts(tuple(facts))]
    if chosen := at(manifest, "tuner"):
        pairs = ", ".join(f"{name} = {value}" for name, value in sorted(chosen.items()))
        blocks.append(Paragraph(f"A search chose {pairs}."))
    if measured := at(manifest, "validation"):
        pairs = ", ".join(f"{name.removeprefix('val_')} = {value:.4f}" for name, value in sorted(measured.items()))
        blocks.append(Paragraph(f"In validation, which chose the epoch, the model reached {pairs}."))
    return Section("The model", tuple(blocks))


def dislikes(sources: Sources) -> Section:
    """What the dislikes of a user do to their list."""
    ranking, report = sources.ranking, sources.report
    rule = _rule(ranking)
    sentences: list[str] = []
    if ranking is None or rule is None:
        sentences.append(Words(f"The rule by which dislikes lower items is {MISSING}."))
    elif ranking.gamma == 0:
        sentences.append(Words(f"The rule is `{ranking.rule}` with gamma 0, so it does not act."))
    else:
        sentences.append(Words(f"The rule is `{ranking.rule}` with gamma {ranking.gamma:g}. {rule.summary}"))
        sentences.append(Words(rule.without_dislikes))
    if _is_mixed(sources):
        sentences.append(
            Words(
                "The model reads one history of likes and dislikes in order: `serving_default` takes it whole, and "
                "there is no `with_negatives`."
            )
        )
    else:
        sentences.append(
            Words(
                "`with_negatives` takes likes and dislikes, and is what the gate judged. `serving_default` takes likes "
                "alone" + (", so its list is another one." if ranking and ranking.asks_dislikes else ".")
            )
        )
    sentences += _measured(sources)
    if report.count_n == 0:
        sentences.append("No test example has a disliked target, so false positives were not measured.")
    return Section("What dislikes do", (Points(tuple(sentences)),))


def _measured(sources: Sources) -> list[str]:
    """How often what was disliked is listed all the same, in each list."""
    k, report = sources.report.k, sources.report
    found: list[str] = []
    for prefix, whose in (("", "the list that knows the dislikes"), (DEFAULT_PREFIX, "that of `serving_default`")):
        if share := value_of(report, f"{prefix}hr_n"):
            found.append(
                Words(f"Of the targets that were disliked later, {share} stand among the first {k} of {whose}.")
            )
    return [*found, *(Words(row.sentence) for row in report.response_rows)]


def _rule(ranking: Ranking | None) -> type[Rule] | None:
    return registry().get(ranking.rule) if ranking else None


def _rule_name(ranking: Ranking | None) -> str:
    if ranking is None:
        return MISSING
    return Words(f"`{ranking.rule}`") if _rule(ranking) else f"{ranking.rule}, of which this code knows nothing"


def _is_mixed(sources: Sources) -> bool:
    variant = VARIANTS.get(str(at(sources.config, "model", "variant")))
    return variant is not None and variant.mixed


def _settings(sources: Sources) -> Iterator[tuple[str, str]]:
    """What acts of the settings: a variant without a term of the loss has no weight of it."""
    variant = VARIANTS.get(told(sources.config, "model", "variant"))
    absent = set() if variant is None else {"alpha", "beta"} - _terms(sources, variant)
    for key, name in (_SETTINGS | _FURTHER).items():
        found = at(sources.config, "model", key)
        if key in absent or (key in _FURTHER and not found):
            continue
        if key == "max_length" and variant is not None and variant.mixed and found is not None:
            yield name, f"{2 * found:,} of both polarities, twice the setting"
        else:
            yield name, told(sources.config, "model", key)


def _terms(sources: Sources, variant: Variant) -> set[str]:
    """The weights of the terms that the loss has, beside that of what is liked; one of 0 takes its term away."""
    has = {"alpha": variant.negative_loss, "beta": variant.contrastive}
    return {name for name, present in has.items() if present and at(sources.config, "model", name) != 0}


def _variant(sources: Sources) -> str:
    name = told(sources.config, "model", "variant")
    if name not in VARIANTS:
        return name
    variant = VARIANTS[name]
    terms = _terms(sources, variant)
    parts = ["one encoder reads likes and dislikes in order" if variant.mixed else "an encoder reads what was liked"]
    parts += ["a second one what was disliked, with a loss of its own"] if "alpha" in terms else []
    parts += ["with a contrastive loss"] if "beta" in terms else []
    return f"{name}: {'; '.join(parts)}"


def _epochs(sources: Sources) -> str:
    best, trained = told(sources.manifest, "best_epoch"), told(sources.manifest, "epochs")
    return MISSING if MISSING in (best, trained) else f"{trained}, of which the weights of epoch {best} were kept"
