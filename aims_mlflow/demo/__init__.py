"""`aims demo`: the whole path on one machine, offline, with the same commands and calls that people use."""
