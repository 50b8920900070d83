"""Measure Assent against the MLflow behind it, in one run: `make bench`. docs/performance.md has the results."""
