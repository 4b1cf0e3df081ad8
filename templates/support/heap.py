"""The heap of a program that makes and frees tensors of the same few sizes all the time.

Torch asks for blocks that begin at multiples of 64 bytes. glibc takes a larger one and gives back the crumbs at its ends, which
it then keeps apart, for small requests, in two caches: tensors that are freed never grow together with their crumbs again,
and the next one of the same size does not fit where the last one lay. Without the caches a search takes 40 to 150 MB less, and
no more time (glibc 2.36, measured with benchmarks/bench_search.py).
"""

from __future__ import annotations

import os
import sys

VARIABLE = "GLIBC_TUNABLES"
WITHOUT_CACHES = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"


def without_caches() -> None:
    """Start this process anew without the two, which glibc decides before main: to be called before anything is done.

    Does nothing where the C library is another one, nor if the user has settings of their own.
    """
    if VARIABLE in os.environ or not _has_glibc():
        return
    os.environ[VARIABLE] = WITHOUT_CACHES
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError):
        return False
