"""Spans: feedback that comes in numbered pieces or a piece a day, and a window that rolls over them."""
