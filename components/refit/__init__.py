"""Trains a blessed model anew on everything, held-out rows included: that one is served."""
