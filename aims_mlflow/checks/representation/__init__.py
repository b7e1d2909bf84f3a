"""Whether data represent the people that a system is used for."""
