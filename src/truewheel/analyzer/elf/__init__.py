"""ELF: reading the files of Linux wheels, and finding libraries as the loaders of glibc and musl do."""
