"""Reading of tables: files of each kind, and values in memory, as pandas frames that keep every value."""
