"""Legal holds: what may not be deleted, who says so, who lifts it, and what MLflow lost all the same."""
