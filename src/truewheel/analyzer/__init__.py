"""What is inside a wheel: native files, what they need, and where a loader would find it."""
