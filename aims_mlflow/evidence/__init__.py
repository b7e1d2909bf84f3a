"""Digests, signed records, capture sessions, their verification, and their storage in MLflow."""
