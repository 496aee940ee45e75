"""Studies: many trainings of one question, resumable, with honest intervals (`pnfrec experiment`)."""
