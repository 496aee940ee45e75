"""The terms of the loss (spec, section 4), exact and sampled."""
