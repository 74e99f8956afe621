"""Models and indexes over HTTP: deployments, request forms, limits and the search page."""
