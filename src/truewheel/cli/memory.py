"""How the program, not the library, uses the memory that it gets from the system."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE = 1 << 20
_FREE = 16 << 20


def hand_back_large_blocks() -> None:
    """Ask glibc to return each freed block of a megabyte or more to the system at once.

    By default it learns from the first large block to keep others of that size for itself (mallopt(3)), and a repair,
    which works on one large library after another, would hold twice the memory it uses. Of smaller blocks, some
    megabytes stay: to hand back the end of the heap and to ask for it again, a thousand times, costs more.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE)
            mallopt(_M_TRIM_THRESHOLD, _FREE)
