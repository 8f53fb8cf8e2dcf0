"""What of the fixtures this machine can load into its own Python."""

from __future__ import annotations

import platform
import sys

import pytest

runs_x86_64 = pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"),
    reason="loads x86_64 modules for glibc, which this machine cannot",
)
