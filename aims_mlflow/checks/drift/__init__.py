"""Drift of data: in training, and in operation against a training's baseline."""
