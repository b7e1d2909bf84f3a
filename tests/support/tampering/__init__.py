"""Ways to change evidence in each place where it is kept."""
