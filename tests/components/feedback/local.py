"""The steps of the pipeline one after another without Beam, so that a property test can afford hundreds of runs.

Ranks are taken from sorted keys here; that Beam's rounds find the same is the matter of test_radix.py, and that Beam
strings the steps together rightly is the matter of test_generate.py.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from apache_beam.pvalue import TaggedOutput

from components.feedback.beam import facts as known
from components.feedback.beam import quantiles, steps
from components.feedback.beam.read import Read
from components.feedback.config import FeedbackConfig
from components.feedback.reading.plan import make_plan
from components.feedback.rules.ranks import RankRule
from components.feedback.writing.output import Folders


def _select(keys: Iterable[tuple[str, bytes]], rules: dict[str, RankRule]) -> list[quantiles.Histogram]:
    """What leads `keys_of` to the keys at the wanted ranks: each key a histogram of its own last 16 bits."""
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for name, packed in keys:
        by_name[name] += np.frombuffer(packed, np.uint64).tolist()
    histograms = []
    for name, values in by_name.items():
        found = [sorted(values)[rank] for rank in rules[name](len(values))]
        prefixes = [key >> 16 for key in found]
        wanted = [(prefix, prefixes[:index].count(prefix)) for index, prefix in enumerate(prefixes)]
        histograms += [quantiles.Histogram(name, key >> 16, _int64(key & 0xFFFF), _int64(1), wanted) for key in found]
    return histograms


def _int64(value: int) -> bytes:
    return np.array([value], np.int64).tobytes()


def _each(step: Any, tables: list[tuple[int, bytes]], facts: bytes) -> list[Any]:
    return [output for table in tables for output in step.process(table, facts)]


def generate(config: FeedbackConfig, output: Path, batch_rows: int) -> dict[str, Any]:
    """What `components.feedback.run.generate` does."""
    plan = make_plan(config)
    config = plan.config
    folders = Folders(str(output), str(output / "vocabulary"), str(output / "statistics"))
    shards: defaultdict[int, list[bytes]] = defaultdict(list)
    for piece in reversed(plan.pieces):
        for shard, chunk in Read(config, plan.shards, batch_rows).process([piece]):
            shards[shard].insert(0, chunk)
    built = [output for group in shards.items() for output in steps.Build(config).process(group)]
    sums = [output.value for output in built if isinstance(output, TaggedOutput)]
    tables = [output for output in built if not isinstance(output, TaggedOutput)]
    facts = known.KeepItems(config, plan.pieces)(None, sums)
    if rules := known.time_rules(config):
        facts = known.AddTime(config, rules)(facts, _select(_each(steps.Times(config), tables, facts), rules))
    trained = _each(steps.Train(config), tables, facts)
    below = [output.value for output in trained if isinstance(output, TaggedOutput)]
    sums = [output for output in trained if not isinstance(output, TaggedOutput)]
    facts = known.AddCatalogue(config)(facts, sums, below)
    if rules := known.key_rules(config):
        facts = known.AddKeys(rules)(facts, _select(_each(steps.Keys(config), tables, facts), rules))
    if config.positive == "median":
        facts = known.add_below(facts, _each(steps.Below(config), tables, facts))
    written = _each(steps.Write(config, plan.shards, folders), tables, facts)
    known.Finish(config, folders, plan.warnings, plan.empty)(facts, written)
    statistics: dict[str, Any] = json.loads((output / "statistics" / "statistics.json").read_text(encoding="utf-8"))
    return statistics
