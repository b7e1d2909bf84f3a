"""MLflow's entry points: thin modules that MLflow calls."""
