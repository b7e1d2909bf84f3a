"""Formats that others read."""
