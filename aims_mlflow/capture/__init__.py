"""The training session; the decorators are sugar over it."""
