"""Windows: the PE format, read as strictly as Windows' loader reads it."""
