"""The report: one page that a person reads without a network."""
