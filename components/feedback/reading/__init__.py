"""From the files of feedback to batches of usable rows."""
