"""Evaluation in numpy: the plain definition, and baselines."""
