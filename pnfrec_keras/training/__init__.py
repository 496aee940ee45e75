"""Fitting a model: early stopping, exact resume, strategies."""
