"""What a batch of rows adds to the account."""

from components.feedback.reading.batches import NO_OPINION
from components.feedback.reading.rows import RowBatch
from components.feedback.rules import taken_back
from components.feedback.writing import account


def rows_of(batch: RowBatch) -> dict[str, int]:
    """Rows that were read, and those that are left out, by reason."""
    dropped = {account.DROPPED + reason: number for reason, number in batch.dropped.items()}
    return {account.ROWS_READ: batch.read, **dropped}


def kinds_of(batch: RowBatch) -> dict[str, int]:
    """Rows by kind of event: how many the event has, and those of no event."""
    left_out = {"unnamed": batch.unnamed, "ignored": batch.ignored}
    found = {account.of_kind(reason, kind): n for reason, kinds in left_out.items() for kind, n in kinds.items()}
    if batch.event is not None:
        found[f"{taken_back.SILENT}{batch.event}"] = batch.dropped.get(NO_OPINION, 0)
    others = sum(map(sum, (batch.unnamed.values(), batch.ignored.values()))) + batch.dropped.get("wrong_fields", 0)
    return found if batch.event is None else {**found, account.matched(batch.event): batch.read - others}


def units_of(batch: RowBatch) -> dict[str, int]:
    return {account.unit(name): number for name, number in batch.units.items()}


def zones_of(batch: RowBatch) -> dict[str, int]:
    """Dates that name their zone, or do not."""
    return {account.zone(name): number for name, number in batch.zones.items()}
