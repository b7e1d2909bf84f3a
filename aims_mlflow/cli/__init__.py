"""The command line: one file for each group, loaded only when it is called."""
