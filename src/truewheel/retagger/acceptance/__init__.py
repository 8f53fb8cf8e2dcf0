"""What installers look for: interpreters, systems, generations of installers, and the tags that each three accept."""
