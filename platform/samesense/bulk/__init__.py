"""Whole corpora to vectors and into an index, with a fate for every row."""
