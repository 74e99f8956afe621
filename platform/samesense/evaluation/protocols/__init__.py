"""Protocols: which images are queries, which are gallery, and what is counted."""
