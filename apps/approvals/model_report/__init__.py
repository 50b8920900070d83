"""A model's report: who asked, signed and applied, what drifted, what was in Production when, who holds which roles."""
