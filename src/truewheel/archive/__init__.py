"""The wheel as a file: ZIP, WHEEL, RECORD and where members land. Knows nothing of machine code."""
