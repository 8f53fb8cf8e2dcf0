"""The promises of manylinux and musllinux, and what keeps a wheel from them."""
