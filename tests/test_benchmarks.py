"""What the search is measured against computes the same."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks import bench_search

pytestmark = pytest.mark.torch


def test_the_straightforward_search_has_the_gradients_of_the_generated_one(tmp_path: Path):
    bench_search.write_project(4, tmp_path)
    words = [sys.executable, bench_search.__file__, "--differ", "--folder", str(tmp_path)]
    found = subprocess.run(words, check=True, capture_output=True, text=True)
    assert float(found.stdout) < 1e-10
