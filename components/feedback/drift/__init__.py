"""Whether the newest day of the feedback is one like the days before: what is counted by day, the bands, what stops."""
