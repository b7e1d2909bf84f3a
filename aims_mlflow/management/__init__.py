"""The documents that people write: reading the management folder, drafts, lint, citations and publication."""
