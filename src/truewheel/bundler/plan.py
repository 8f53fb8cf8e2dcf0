"""What a repair would do, as plain data; nothing is touched while it is made."""
