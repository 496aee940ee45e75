"""Runs the trials of a study."""
