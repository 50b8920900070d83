"""How each connection fares: the page, and the API, about syncs and webhooks."""
