"""The outputs: examples, vocabulary, the account of every row."""
