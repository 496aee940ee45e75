"""The data protocol on the rows of one shard (spec, section 1, which is docs/explanation/spec.md): where its rules are.

1. The input is a row an interaction, in a user's order by time, ties by the order of the input: `table`.
2. Items with few users, then users with few items are dropped, once: `filters`.
3. A row is positive from a threshold on: `boundary`.
4. Rows are held out, for validation and test; of them, only users and items of training stay: `splits`, `filters`.
5. Users need positive training rows: `targets`.
6. Targets are held-out rows, each with the history before it: `targets`.
7. Equal times keep the order of the input, always: `table`.
8. The catalogue is the items of the training rows: `components.feedback.beam.facts`.
"""
