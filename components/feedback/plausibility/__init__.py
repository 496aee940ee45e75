"""Whether the feedback is what it seems to be: what is seen in passing, what is said of it, and what stops a run."""
