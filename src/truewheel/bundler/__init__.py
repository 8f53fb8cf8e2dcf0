"""What comes along: copies libraries into the wheel and rewrites the files that need them."""
