"""Alembic's migrations of the ledger's own tables; `ledger/upgrade.py` runs them."""
