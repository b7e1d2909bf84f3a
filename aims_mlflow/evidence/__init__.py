"""Digests, signed records, sessions, keys, the ledger, and where MLflow keeps them."""
