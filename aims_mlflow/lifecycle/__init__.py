"""What a ledger says of a model, and what is done about it."""
