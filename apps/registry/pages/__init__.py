"""The pages of a model and of a version: what they show beyond the mirror's own columns, and how it is worked out."""
