"""Pages and pictures of checks."""
