"""Windows: which libraries every system has."""
