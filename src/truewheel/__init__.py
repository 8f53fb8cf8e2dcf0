"""truewheel makes a built Python wheel true: self-contained, and named for exactly what its machine code proves."""

__version__ = "0.1.0"
