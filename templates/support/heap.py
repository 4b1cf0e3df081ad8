"""The heap of a program that makes and frees tensors of the same few sizes all the time.

Torch asks for blocks that begin at multiples of 64 bytes. glibc takes a larger one and gives back the crumbs at its ends, into
two caches for small requests: tensors that are freed never grow together with their crumbs again, and the next one of the
same size does not fit where the last one lay (glibc bug 30723, mended in 2.39). Without the caches a search takes 40 to 150 MB
less and no more time (glibc 2.36, benchmarks/bench_search.py), a training of width 16 about 30.

What stays must not lie between what goes, and what goes must not go back to the system, which gives out zeroed pages at 0.4
ms a MB. In the first step all that stays is made (momenta, packed weights, oneDNN's plans): during this one, large blocks are
kept out of the heap. From the second step on they lie in one piece behind it, and that is never given back.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

MENDED = (2, 39)
VARIABLE = "GLIBC_TUNABLES"
WITHOUT_CACHES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"

LARGE = 128 * 1024
LARGEST_IN_HEAP = 32 * 1024 * 1024  # the most that glibc takes for this
KEPT_FREE = 2**31 - 1  # bytes at the end of the heap: all
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, malloc.h


def without_caches() -> None:
    """Start this process anew without the two, which glibc decides before main: to be called before anything is done.

    Does nothing where the C library is another or mended, nor if the user has settings of their own.
    """
    if VARIABLE in os.environ or not is_needed():
        return
    os.environ[VARIABLE] = WITHOUT_CACHES
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def is_needed() -> bool:
    return _is_glibc() and tuple(map(int, platform.libc_ver()[1].split(".")[:2])) < MENDED


def large_blocks_apart() -> None:
    """Until the first step is done."""
    _set(_MMAP_THRESHOLD, LARGE)


@functools.cache
def large_blocks_inside() -> None:
    """From the second step on; to be called after every one."""
    _set(_MMAP_THRESHOLD, LARGEST_IN_HEAP)
    _set(_TRIM_THRESHOLD, KEPT_FREE)


def _set(parameter: int, value: int) -> None:
    """Nothing where the C library is another, or if the user has settings of their own."""
    if _is_glibc() and os.environ.get(VARIABLE, WITHOUT_CACHES) == WITHOUT_CACHES:
        ctypes.CDLL(None).mallopt(parameter, value)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
