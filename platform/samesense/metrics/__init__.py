"""Pure functions on arrays, each defined once with its formula."""
