"""Drift: what MLflow says otherwise than the last decision, and how people settle it."""
