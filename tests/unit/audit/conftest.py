"""The registry with a history that these tests look at."""

from lived import life, lived  # noqa: F401 - fixtures
