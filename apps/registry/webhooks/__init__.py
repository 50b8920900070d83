"""MLflow's webhooks: registering them, and taking deliveries in."""
