"""Alembic's migrations of the ledger's own tables; `evidence/ledger_migrations.py` runs them."""
