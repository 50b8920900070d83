"""Evidence packages: everything that is known about how a version was decided, as one file for a stranger to check."""
