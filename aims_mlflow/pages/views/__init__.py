"""View models: one module for each group of pages."""
