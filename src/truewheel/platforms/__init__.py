"""What a platform label promises, and whether an analyzed wheel keeps the promise."""
