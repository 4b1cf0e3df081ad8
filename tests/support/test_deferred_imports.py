"""Imports that wait: nothing is missing afterwards, and a program that builds no such layer never pays for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from generated import EVERYTHING, SEARCH, Generated

from support import deferred_imports

TEMPLATES = Path(deferred_imports.__file__).parents[1]
LIBRARY = {
    "heavy/__init__.py": "LOADED = True\nfrom heavy import part\n",
    "heavy/part.py": "def twice(x):\n    return 2 * x\n",
    "light.py": "import heavy.part as p\nfrom heavy.part import twice\nimport heavy\ndef four():\n    return p.twice(twice(1))\n",
}


def python(code: str, *folders: Path) -> str:
    paths = [str(TEMPLATES), *map(str, folders)]
    code = f"import sys\nsys.path[:0] = {paths}\nfrom support import deferred_imports as d\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name, text in LIBRARY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_library_is_imported_at_its_first_use(library: Path):
    code = """
with d.deferred(("heavy",)):
    import light
print("heavy" in sys.modules, light.four(), "heavy" in sys.modules, light.heavy.LOADED)
import heavy.part
print(heavy.part.twice(4))
"""
    assert python(code, library) == "False 4 True True\n8\n"


def test_what_was_imported_before_stays(library: Path):
    code = """
import heavy
with d.deferred(("heavy",)):
    import light
print(light.heavy is heavy, light.p is heavy.part)
"""
    assert python(code, library) == "True True\n"


def test_a_library_that_is_missing_is_missed_at_once(library: Path):
    code = """
try:
    with d.deferred(("nowhere_to_be_found",)):
        import nowhere_to_be_found
except ModuleNotFoundError as error:
    print(error)
print(len([f for f in sys.meta_path if type(f).__name__ == "_Finder"]))
"""
    assert python(code, library) == "No module named 'nowhere_to_be_found'\n0\n"


def test_a_use_while_importing_is_told(library: Path):
    (library / "eager.py").write_text("from heavy.part import twice\nFOUR = twice(2)\n")
    code = """
try:
    with d.deferred(("heavy",)):
        import eager
except ImportError as error:
    print(error)
import eager
print(eager.FOUR)
"""
    assert python(code, library) == (
        "heavy.part.twice is called while its importer is imported\n4\n"
    )


@pytest.mark.finn
@pytest.mark.slow
def test_finn_s_layers_come_without_torch_and_work_with_it(tmp_path: Path):
    pytest.importorskip("finn")
    code = f"""
from pathlib import Path
from support.finn import tool as finn_tool
finn_tool.start(Path({str(tmp_path)!r}))
d.import_finn_layers()
print([name for name in d.OF_FINN if name in sys.modules])
from finn.custom_op.fpgadataflow.layernorm import F
from finn.custom_op.fpgadataflow.hwsoftmax import softmax
from finn.transformation.fpgadataflow import loop_rolling
print(F.layer_norm(__import__("torch").ones(1, 2), [2]).tolist(), softmax([0, 0]).tolist())
import onnxscript
print(loop_rolling.ir.Graph is onnxscript.ir.Graph)
print(loop_rolling.osh.SubGraphView.__mro__[1] is onnxscript.ir.GraphView)
"""
    assert python(code) == "[]\n[[0.0, 0.0]] [0.5, 0.5]\nTrue\nTrue\n"


@pytest.mark.torch
def test_brevitas_comes_without_the_compiler_and_works_with_it():
    pytest.importorskip("brevitas")
    code = """
import torch
d.import_brevitas()
import brevitas.nn as qnn
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
print(qnn.QuantReLU(bit_width=4)(torch.ones(2)).shape, torch._dynamo.is_compiling())
print(torch._dynamo.__file__ is not None)
"""
    assert python(code) == "False False\ntorch.Size([2]) False\nTrue\n"


LOADED = """
import atexit, runpy, sys
sys.argv = sys.argv[1:]
atexit.register(lambda: print("loaded", {"torch._dynamo", "sympy", "brevitas"} & set(sys.modules)))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("program", ["search.py", "train.py"])
def test_searches_and_trainings_never_import_the_compiler(program: str, tmp_path: Path):
    pytest.importorskip("brevitas")
    pytest.importorskip("sklearn")
    settings = {"search": SEARCH | {"epochs": 1}, "train": EVERYTHING}
    folder = Generated.write(tmp_path / "out", **settings).folder
    command = [sys.executable, "-c", LOADED, program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "CUDA" not in done.stderr, done.stderr
    assert done.stdout.endswith("loaded {'brevitas'}\n")
