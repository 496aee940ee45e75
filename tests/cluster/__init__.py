"""Beam on an engine of its own: a Flink cluster of several processes on this machine. `make cluster-test` runs it."""
