"""Vectors being searched: one Milvus collection per domain and model, behind an alias per domain."""
