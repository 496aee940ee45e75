"""TensorFlow Serving's gRPC API over the pushed folder: a server, and a client that needs no TensorFlow."""
