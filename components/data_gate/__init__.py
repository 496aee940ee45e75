"""Stops the pipeline where ExampleValidator found an anomaly, which it does not do itself."""
