"""Pools: token states to one vector."""
