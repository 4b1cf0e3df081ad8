"""A program's heap: started anew once, with the same arguments, and only where the C library knows the settings."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from support import __file__ as support
from support.heap import VARIABLE, WITHOUT_CACHES, is_needed

PROGRAM = """
import os, sys
from support.heap import without_caches
print("started", flush=True)
without_caches()
print(os.environ.get("GLIBC_TUNABLES"), sys.argv[1:])
"""

PLACES = """
import ctypes
from support.heap import large_blocks_apart, large_blocks_inside

sbrk = ctypes.CDLL(None).sbrk
sbrk.restype = ctypes.c_void_p

def says_where():
    block = ctypes.create_string_buffer(2**23)
    print("inside" if ctypes.addressof(block) < sbrk(0) else "apart")

large_blocks_apart()
says_where()
says_where()  # glibc itself takes a block that was freed once as a sign to keep its like
large_blocks_inside()
says_where()
"""


def printed(program=PROGRAM, **environment):
    folder = str(Path(support).parents[1])
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command = [sys.executable, "-c", program, "one", "two words"]
    return subprocess.run(
        command,
        env=kept | {"PYTHONPATH": folder} | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()


@pytest.mark.skipif(not is_needed(), reason="no glibc before 2.39 on this system")
def test_a_program_starts_anew_with_its_arguments():
    assert printed() == ["started", "started", f"{WITHOUT_CACHES} ['one', 'two words']"]


def test_the_users_own_settings_stay():
    own = "glibc.malloc.check=0"
    assert printed(**{VARIABLE: own}) == ["started", f"{own} ['one', 'two words']"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_blocks_lie_in_the_heap_from_the_second_step_on():
    assert printed(PLACES) == ["apart", "apart", "inside"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_the_users_own_settings_stay_for_large_blocks_too():
    assert printed(PLACES, **{VARIABLE: "glibc.malloc.mmap_threshold=33554432"}) == ["inside"] * 3
