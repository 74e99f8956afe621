"""One query against many domains, merged into one ranking."""
