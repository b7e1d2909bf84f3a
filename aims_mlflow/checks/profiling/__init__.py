"""Profiles of unknown tables, for a first draft of expectations."""
