"""Capture of evidence: the training session, the decorators that open one, and records that people add."""
