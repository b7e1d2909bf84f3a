"""Checks: they measure data and models, and compare each measured value with the limits of a pack."""
