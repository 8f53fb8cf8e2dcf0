"""Changing the ELF files of a Linux wheel, and reading them again."""
