"""The command line: options to calls, results to a terminal or JSON. Decides nothing."""
