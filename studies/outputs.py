"""Names of the files that a study writes, all in one place.

A study's folder, such as runs/studies/DATA/STUDY, holds the files of the first group and `trials/`, a folder each, with
those of the second. The trainings, which studies share, lie beside the studies and hold those of the third.
"""

from typing import Final

# Of a study.
SUMMARY: Final = "summary.json"  # what a page needs to know, and `pnfrec results`
RANKS: Final = "ranks.npz"  # what each arm did with each target, for `pnfrec compare`
RESULTS: Final = "results.csv"  # a row a trial and split
EPOCHS: Final = "epochs.csv"  # the course of each training
LENGTHS: Final = "lengths.csv"  # how long the histories are
TABLE: Final = "table.txt"  # what the terminal showed
PAGE: Final = "page.html"  # pictures and tables for a browser

# Of a trial. The result is written last: a folder that has it is done.
TRIAL_RESULT: Final = "result.json"
TRIAL_RANKS: Final = "trial_ranks.npz"  # by user and place, with ids; the study's own file holds none

# Of a training.
TRAINING_FACTS: Final = "facts.json"
TRAINING_WEIGHTS: Final = "weights.npz"

# In the ranks of a trial and of a study, beside the measures of `pnfrec_core.responses` by their names, where a study
# asks for what came later: what `pnfrec_core.later.parts` takes of each target.
LATER_LISTED: Final = "later_listed"
LATER_LENGTH: Final = "later_length"
