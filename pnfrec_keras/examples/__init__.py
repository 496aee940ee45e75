"""Vocabulary, TFRecords and arrays: what a model is trained and evaluated on."""
