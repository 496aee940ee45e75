"""The Beam pipeline of FeedbackGen. Between steps travel packed batches, never single rows.

    read -> chunks by shard -> table of a shard -> kept items -> split time -> catalogue -> threshold, halves -> write

What lies just below the threshold comes with the catalogue where the threshold is fixed, else in a step of its own.

The table of a shard is made once. Later steps take it and apply the rules anew, which is cheaper than carrying what
they gave. What needs all shards is small, is worked out in one place (`facts`) and comes back as the one side input of
the next step. The graph is kept small, since the local runner spends some 20 ms on each node.
"""

from typing import Any

import apache_beam as beam
from apache_beam.pvalue import AsIter, AsSingleton

from components.feedback.beam import quantiles, steps
from components.feedback.beam.facts import (
    AddCatalogue,
    AddKeys,
    AddTime,
    Finish,
    KeepItems,
    add_below,
    key_rules,
    time_rules,
)
from components.feedback.beam.read import Read
from components.feedback.reading.batches import BATCH_ROWS
from components.feedback.reading.plan import Plan
from components.feedback.writing.output import Folders


class WriteFeedback(beam.PTransform):
    """Reads the planned files and writes examples, vocabulary and statistics.

    Args:
        plan: The files and the rules.
        folders: Where the outputs go.
        batch_rows: Rows of a batch of a Parquet file; the result does not depend on it.
    """

    def __init__(self, plan: Plan, folders: Folders, batch_rows: int = BATCH_ROWS) -> None:
        super().__init__()
        self._config, self._plan, self._folders, self._batch_rows = plan.config, plan, folders, batch_rows

    def expand(self, pbegin: Any) -> Any:
        config, shards = self._config, self._plan.shards
        built = (
            pbegin
            | "Files" >> beam.Create(self._plan.groups())
            | "Read" >> beam.ParDo(Read(config, shards, self._batch_rows))
            | "ByShard" >> beam.GroupByKey()
            | "Build" >> beam.ParDo(steps.Build(config)).with_outputs(steps.SUMS, main="tables")
        )
        tables = built.tables
        once = pbegin | "Once" >> beam.Create([None])
        facts = once | "KeepItems" >> beam.Map(KeepItems(config, self._plan.pieces), AsIter(built[steps.SUMS]))

        if rules := time_rules(config):
            times = tables | "Times" >> beam.ParDo(steps.Times(config), AsSingleton(facts))
            times = times | "SplitTime" >> quantiles.SelectRanks(rules)
            facts = facts | "AddTime" >> beam.Map(AddTime(config, rules), AsIter(times))

        train = beam.ParDo(steps.Train(config), AsSingleton(facts)).with_outputs(steps.BELOW, main=steps.SUMS)
        trained = tables | "Train" >> train
        sides = (AsIter(trained[steps.SUMS]), AsIter(trained[steps.BELOW]))
        facts = facts | "AddCatalogue" >> beam.Map(AddCatalogue(config), *sides)

        if rules := key_rules(config):
            keys = tables | "Keys" >> beam.ParDo(steps.Keys(config), AsSingleton(facts))
            keys = keys | "Select" >> quantiles.SelectRanks(rules)
            facts = facts | "AddKeys" >> beam.Map(AddKeys(rules), AsIter(keys))

        if config.positive == "median":
            below = tables | "Below" >> beam.ParDo(steps.Below(config), AsSingleton(facts))
            facts = facts | "AddBelow" >> beam.Map(add_below, AsIter(below))

        write = steps.Write(config, shards, self._folders)
        written = tables | "Write" >> beam.ParDo(write, AsSingleton(facts))
        plan = self._plan
        finish = Finish(config, self._folders, plan.warnings, plan.empty, plan.spans)
        return facts | "Finish" >> beam.Map(finish, AsIter(written))
