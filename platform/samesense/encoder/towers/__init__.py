"""Towers: the pretrained models that turn rendered inputs into states or vectors."""
