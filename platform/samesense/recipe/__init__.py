"""The language of methods: blocks, views, losses and stages as data, checked before use."""
