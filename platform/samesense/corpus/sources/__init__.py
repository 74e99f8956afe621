"""Where rows come from: one way of listing a corpus a file."""
