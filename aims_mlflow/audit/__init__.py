"""Verification of a ledger, a run or a model version for an auditor; shared by bundles."""
