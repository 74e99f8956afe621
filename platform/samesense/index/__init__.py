"""Vectors being searched: a Milvus collection per domain and model, an alias per domain."""
