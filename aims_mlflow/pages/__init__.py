"""The auditor's pages: an index of the ledger, view models without a web framework, and their templates."""
