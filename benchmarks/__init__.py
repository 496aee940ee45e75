"""Measurements beside what a user would pick instead; see benchmarks/README.md. Nothing here is a test."""
