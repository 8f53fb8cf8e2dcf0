"""The program: `truewheel` and `python -m truewheel`."""

from __future__ import annotations

import gc
import sys

from truewheel.cli.main import run

_M_MMAP_THRESHOLD = -3
_LARGE = 1 << 20


def main() -> None:
    """Run the command line and exit with its code."""
    _hand_back_large_blocks()
    code = run()
    gc.freeze()  # what is left goes with the process; a last search for cycles would only cost time
    sys.exit(code)


def _hand_back_large_blocks() -> None:
    """Ask glibc to return each freed block of a megabyte or more to the system at once.

    By default it learns from the first large block to keep others of that size for itself (mallopt(3)), and a repair,
    which works on one large library after another, would hold twice the memory it uses.
    """
    if sys.platform == "linux":
        import ctypes

        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE)


if __name__ == "__main__":
    main()
