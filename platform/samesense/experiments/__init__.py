"""Training and evaluation together: leave one domain out, before and after, ablations."""
