"""What the columns of an unknown table hold, for a first draft of expectations."""
