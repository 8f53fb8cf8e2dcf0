"""What is true of a macOS wheel, one architecture at a time."""
