"""May this person do this, and why: the chains of grants, and what the open requests of a model say."""
