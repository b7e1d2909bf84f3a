"""The ledger: an append-only Merkle log in a SQL database."""
