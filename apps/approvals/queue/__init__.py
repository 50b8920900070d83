"""The review queue: what waits for a person, for their groups, what they asked for, what was decided."""
