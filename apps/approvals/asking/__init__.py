"""The pages on which people ask: for one version, for several, and to change a draft."""
