"""The heap of a program that makes and frees tensors of the same few sizes all the time.

Torch asks for blocks that begin at multiples of 64 bytes. glibc takes a larger one and gives back the crumbs at its ends, into
two caches for small requests: tensors that are freed never grow together with their crumbs again, and the next one of the
same size does not fit where the last one lay (glibc bug 30723, mended in 2.39). Without the caches a search takes 40 to 150 MB
less and no more time (glibc 2.36, benchmarks/bench_search.py).
"""

from __future__ import annotations

import os
import platform
import sys

MENDED = (2, 39)
VARIABLE = "GLIBC_TUNABLES"
WITHOUT_CACHES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"


def without_caches() -> None:
    """Start this process anew without the two, which glibc decides before main: to be called before anything is done.

    Does nothing where the C library is another or mended, nor if the user has settings of their own.
    """
    if VARIABLE in os.environ or not is_needed():
        return
    os.environ[VARIABLE] = WITHOUT_CACHES
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def is_needed() -> bool:
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(map(int, version.split(".")[:2])) < MENDED
