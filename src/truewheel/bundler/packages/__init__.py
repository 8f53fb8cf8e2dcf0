"""Which package of which package manager a library came from."""
