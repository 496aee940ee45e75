"""The model over HTTP: TensorFlow Serving's paths and JSON, probes, metrics and a page to look at."""
