"""What the wheel is called: tag sets, and the tags that the evidence proves."""
