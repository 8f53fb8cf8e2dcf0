"""Many wheels at once: what is named, what would be done to all, collisions, a common end, sums and an index."""
