"""Changing the Mach-O files of a macOS wheel: load commands, room for them, signatures."""
