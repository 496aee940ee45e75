"""The gate's verdict for people: why a model was blessed or not, as text, JSON and HTML."""
