"""Names of trials, by which one that is done is found again: everything that its result comes from is in them."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from pnfrec_core.provenance import result_name
from studies.run.origin import Origin


def changed(settings: Any) -> dict[str, Any]:
    """The settings of a section that are not their defaults, for keys: a new setting with a default changes none."""
    plain = dataclasses.asdict(settings)
    defaults = {
        field.name: field.default_factory() if callable(field.default_factory) else field.default
        for field in dataclasses.fields(settings)
    }
    # Nor does the folder that the files lie in: a study goes on in another checkout.
    return {
        name: value for name, value in plain.items() if name != "base" and getattr(settings, name) != defaults[name]
    }


def trial_key(arm: Any, seed: int | None, config: Any, origin: Origin, further: Mapping[str, bool | float]) -> str:
    """The name of the trial of an arm with a seed: its folder.

    Args:
        arm: Of the study (`studies.study.Arm`).
        seed: Of the trial.
        config: Of the pipeline, as the arm has it.
        origin: Of the data and of the code.
        further: What the study asks for beside ranks.
    """
    settings: list[Any] = [changed(getattr(config, name)) for name in ("feedback", "model", "training")]
    settings += [arm.baseline, changed(arm.inference), *([dict(further)] if further else [])]
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", arm.name).strip("-")
    if slug != arm.name:
        # The result holds the name: arms that swap the names "a+" and "a-" must not find each other's.
        settings.append(arm.name)
    name = slug if seed is None else f"{slug}-seed{seed}"
    return f"{name}-{result_name(code=origin.trial, data=origin.data + origin.groups, settings=settings)[:12]}"
