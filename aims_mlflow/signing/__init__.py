"""Keys, keyrings and signed envelopes (DSSE)."""
