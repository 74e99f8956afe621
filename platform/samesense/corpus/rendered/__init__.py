"""A corpus that the code draws itself: concepts as outlines, domains as ways of drawing them."""
