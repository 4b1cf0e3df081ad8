"""The programs of a spec as they are compiled, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

from nashc.emit import project
from nashc.lower import lower
from nashc.schema import load


def compiled(folder: Path, text: str) -> Path:
    """The spec, beside its programs."""
    folder.mkdir(exist_ok=True)
    path = folder / "space.nash"
    path.write_text(text, encoding="utf-8")
    spec = load(path)
    for name, content in project(spec, lower(spec)).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return path


def run(program: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, program],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
