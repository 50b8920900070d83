"""Which clause of which document each control supports evidence for: data with sources, and how models stand to it."""
