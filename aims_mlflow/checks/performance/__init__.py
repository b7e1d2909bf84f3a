"""How often a model is right, or how far off."""
