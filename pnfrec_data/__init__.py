"""Public data sets: where they come from, under which terms, and how FeedbackGen gets to read them (`pnfrec data`)."""
