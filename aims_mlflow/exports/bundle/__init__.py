"""The bundle: one file for an auditor, with all evidence of a system."""
