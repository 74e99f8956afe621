"""Rendering: pictures and texts to the tensors that a tower takes; CPU work without weights."""
