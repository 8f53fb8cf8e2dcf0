"""Mach-O: reading the files of macOS wheels, and finding libraries as dyld does."""
