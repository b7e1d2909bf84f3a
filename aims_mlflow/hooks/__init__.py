"""MLflow entry points, each thin: what MLflow calls, and nothing else."""
