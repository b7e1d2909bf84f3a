"""Fairness between groups."""
