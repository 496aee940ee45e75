"""From the trials of a study to tables with intervals."""
