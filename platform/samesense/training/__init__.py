"""From a recipe and a corpus to an artefact: batch plan, feed, the one loop, Ray Train driver."""
