"""Registers of findings and incidents."""
