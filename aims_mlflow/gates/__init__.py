"""The policy of a registry, and the pure function that decides by it."""
