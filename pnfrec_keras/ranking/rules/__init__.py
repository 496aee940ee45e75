"""Rules by which items are lowered, one a module; the paper ranks by the positive encoder alone (spec, section 8).

A rule lowers items by a weight gamma; 0 is the paper's ranking. Most rules lower what is disliked, `popularity` what
everybody chooses. With s_p and s_n the scores of the positive and of the negative encoder, and r(i) the rate at which
an item is liked (`pnfrec_keras.ranking.rates`), each module says what it makes of s_p. `pnfrec_keras.ranking.scorer`
adds what else a list is ranked by.

Each `Rule` in a module of this package is found by its name, so that a new rule is one new file. Neither TensorFlow nor
numpy is needed to ask for names, sentences and needs.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterator

from pnfrec_keras.ranking.rules.base import DEFAULT, Dislikes, Rule

__all__ = ["DEFAULT", "Dislikes", "Rule", "describe", "find_rule", "registry"]


@functools.cache
def registry() -> dict[str, type[Rule]]:
    """All rules by name: those first that ask for the least, and else in the order of their names.

    Raises:
        TypeError: Two rules have one name, or one reads the negative encoder and does not ask for dislikes.
    """
    rules = sorted(_defined(), key=lambda rule: (rule.needs_negative_encoder, rule.needs_dislikes, rule.name))
    names = [rule.name for rule in rules]
    for rule in rules:
        if names.count(rule.name) > 1:
            msg = f"Two rules have the name {rule.name!r}, one of them in {rule.__module__}. Rename one."
            raise TypeError(msg)
        if rule.needs_negative_encoder and not rule.needs_dislikes:
            msg = f"The rule {rule.name!r} reads the negative encoder: set `needs_dislikes` in {rule.__module__} too."
            raise TypeError(msg)
    return dict(zip(names, rules, strict=True))


def find_rule(name: str) -> type[Rule]:
    """The rule of a name.

    Raises:
        ValueError: There is none; the message lists them.
    """
    if name not in registry():
        msg = f"`export.rule` must be one of {', '.join(registry())}. Received: {name!r}."
        raise ValueError(msg)
    return registry()[name]


def describe() -> dict[str, str]:
    """What each rule does, by name, where a query sends dislikes and where it does not."""
    return {name: f"{rule.summary} {rule.without_dislikes}" for name, rule in registry().items()}


def _defined() -> Iterator[type[Rule]]:
    for found in pkgutil.iter_modules(__path__):
        # The name in full: by it `pnfrec_core.imports` knows that every module here is reached.
        module = importlib.import_module(f"pnfrec_keras.ranking.rules.{found.name}")
        for value in vars(module).values():
            # A rule may build on another one, which its module imports.
            is_own = isinstance(value, type) and value.__module__ == module.__name__
            if is_own and issubclass(value, Rule) and value is not Rule:
                yield value
