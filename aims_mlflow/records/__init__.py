"""Data models of records, without input and output; pydantic is the only dependency."""
