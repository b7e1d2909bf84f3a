"""Documents that are rendered from sealed records alone."""
