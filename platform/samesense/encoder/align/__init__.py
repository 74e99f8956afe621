"""Alignment modules: light maps from a frozen tower's vector to the shared space."""
