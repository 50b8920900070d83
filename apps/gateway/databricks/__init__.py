"""The model registry API of Databricks, answered by Assent itself: MLflow serves none of it.

Each row of routes.txt has a guard here that always returns an answer. docs/gateway-databricks.md says what differs.
"""
