"""Readers of an inventory scan, one for each source: registry, logged models, gateway, traces, source tree, vendors."""
