"""History of models in the ledger, and the operations on it; works without MLflow."""
