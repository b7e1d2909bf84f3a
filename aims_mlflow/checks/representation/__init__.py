"""Representation: comparison of the data with the population that a system is used on."""
