"""Data quality, by Great Expectations."""
