"""Registers: findings."""
