"""Training losses: plain functions on tensors, one a file, each with its formula and source."""
