"""What was where at a moment: for one model, and for the whole registry; with who decided it."""
