"""A trained recipe as a folder: all that bulk embedding, search and evaluation load."""
