"""The model itself: its answers to changed rows, and how its files are stored."""
