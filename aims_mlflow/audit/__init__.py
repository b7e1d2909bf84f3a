"""Verification for an auditor: of a ledger, a run, a model version and a bundle."""
