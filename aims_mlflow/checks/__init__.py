"""Checks: from a prepared table to claims that are held against a pack's limits."""
