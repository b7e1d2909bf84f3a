"""A model registry as its clients and administrators use it."""
