"""Protocols, results and reports: what a model gains, on images that no stage of it has seen."""
