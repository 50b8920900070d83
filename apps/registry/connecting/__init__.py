"""Adding, changing and trying the connections to MLflow servers."""
