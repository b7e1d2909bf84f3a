"""The prefix of a gated store's URI scheme: `aims+sqlite:///...` is the gated `sqlite:///...`. Imports nothing."""

PREFIX = "aims+"
