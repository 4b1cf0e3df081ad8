"""A program's heap: started anew once, with the same arguments, and only where the C library knows the settings."""

import os
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


def printed(**environment):
    folder = str(Path(support).parents[1])
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command = [sys.executable, "-c", PROGRAM, "one", "two words"]
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
