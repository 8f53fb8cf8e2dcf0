"""Locks on open files and folders (flock(2)): they end with the process that holds them, so none stays behind."""

from __future__ import annotations

import sys


def lock(descriptor: int, *, wait: bool = False) -> bool | None:
    """Hold an open file until it is closed; return whether nobody else does, None where there are no locks.

    wait: for whoever holds it to let go. Windows, and some file systems of networks, know no such locks.
    """
    if sys.platform == "win32":
        return None
    from fcntl import LOCK_EX, LOCK_NB, flock

    try:
        flock(descriptor, LOCK_EX if wait else LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
