"""Tables that are not in this process: SQL databases and Spark answer with count tables, and checks finish on those."""
