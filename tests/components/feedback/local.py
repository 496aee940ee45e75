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

from components.feedback import gather, radix, steps, transforms
from components.feedback.config import FeedbackConfig
from components.feedback.inputs import make_plan
from components.feedback.output import Folders


def _select(keys: Iterable[tuple[str, bytes]], rules: dict[str, radix.RankRule]) -> dict[str, Any]:
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for name, packed in keys:
        by_name[name] += np.frombuffer(packed, np.uint64).tolist()
    return {
        name: [radix._Cursor(sorted(by_name[name])[rank], 0) for rank in rule(len(by_name[name]))]
        for name, rule in rules.items()
    }


def _each(step: Any, tables: list[tuple[int, bytes]], facts: bytes) -> list[Any]:
    return [output for table in tables for output in step.process(table, facts)]


def _group(sums: Iterable[tuple[int, bytes]]) -> tuple[int, list[bytes]]:
    return 0, [packed for _, packed in sums]


def generate(config: FeedbackConfig, output: Path, batch_rows: int) -> dict[str, Any]:
    """What `components.feedback.run.generate` does."""
    plan = make_plan(config)
    folders = Folders(str(output), str(output / "vocabulary"), str(output / "statistics"))
    shards: defaultdict[int, list[bytes]] = defaultdict(list)
    for task in reversed(plan.tasks):
        for shard, chunk in steps.Read(config, plan.shards, batch_rows).process(task):
            shards[shard].insert(0, chunk)
    built = [output for group in shards.items() for output in steps.Build(config).process(group)]
    sums = [output.value for output in built if isinstance(output, TaggedOutput)]
    tables = [output for output in built if not isinstance(output, TaggedOutput)]
    facts = gather.KeepItems(config.min_item_users)(_group(sums))
    if config.split == "global_time":
        rules: dict[str, radix.RankRule] = {steps.TIME: lambda count: radix.nearest_rank(config.test_quantile, count)}
        facts = gather.add_time(_select(_each(steps.Times(config), tables, facts), rules), facts)
    facts = gather.AddCatalogue(config)(_group(_each(steps.Train(config), tables, facts)), facts)
    if rules := transforms._key_rules(config):
        facts = gather.add_keys(_select(_each(steps.Keys(config), tables, facts), rules), facts)
    written = _each(steps.Write(config, plan.shards, folders), tables, facts)
    gather.Finish(config, folders, plan.warnings)(_group(written), facts)
    statistics: dict[str, Any] = json.loads((output / "statistics" / "statistics.json").read_text(encoding="utf-8"))
    return statistics
