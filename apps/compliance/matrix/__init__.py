"""Models × controls: how every model that a person may read stands to every control, now or at a moment."""
