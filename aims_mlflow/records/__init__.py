"""Pure data models: no input, no output, nothing heavier than pydantic."""
