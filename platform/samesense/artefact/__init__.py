"""A trained recipe as a folder: what bulk embedding, search and evaluation load, and nothing else."""
