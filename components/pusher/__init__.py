"""Delivery of a blessed model to the serving folder."""
