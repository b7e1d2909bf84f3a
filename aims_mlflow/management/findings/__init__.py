"""Findings about the management system: pure functions of documents, scan and ledger."""
