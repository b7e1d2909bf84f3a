"""Checks of data before a model learns from them: expectations, duplicates, leakage and personal data."""
