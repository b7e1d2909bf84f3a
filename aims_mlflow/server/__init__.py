"""The gate inside the MLflow server."""
