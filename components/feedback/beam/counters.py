"""Counts of rows as Beam's counters."""

from collections.abc import Mapping

from apache_beam.metrics import Metrics

from components.feedback.writing.account import NAMESPACE


def count(counts: Mapping[str, int]) -> dict[str, int]:
    """Adds `counts` to the Beam counters of their names; returns those above 0."""
    present = {name: int(value) for name, value in counts.items() if value}
    for name, value in present.items():
        Metrics.counter(NAMESPACE, name).inc(value)
    return present
