"""The list of models: searched, filtered, counted, sorted, in pages, and kept as views."""
