"""What exists: which image, of which domain and concept, decoded or rejected with its reason."""
