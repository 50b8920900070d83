"""The gate: whether a version may be used for a target, decided from what is stored; for pipelines."""
