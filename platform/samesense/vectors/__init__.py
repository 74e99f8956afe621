"""Vectors at rest: what a frozen tower gave for an item, computed once and kept in Parquet."""
