"""What a version's run and files say: read from MLflow (reading, artifacts), parsed (mlmodel, requirements), kept."""
