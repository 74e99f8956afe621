"""Blocks that take nothing: learned tensors that losses read by name. No vector depends on them."""
