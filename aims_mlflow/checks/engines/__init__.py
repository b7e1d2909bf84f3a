"""Engines that hold tables outside of this process: SQL databases and Spark answer with count tables."""
