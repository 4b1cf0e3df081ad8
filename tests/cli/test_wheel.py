"""What pip installs works by itself: the grammar, the templates and the library are inside the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.paths import ROOT, SPECS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    [path] = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def nashc(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in a new environment that sees our dependencies, but not this checkout."""
    environment = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    [packages] = (environment / "lib").glob("python*/site-packages")
    # Named in a .pth file, the folder's own .pth files do not count: no editable nashc comes along.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *install, str(wheel)], check=True, capture_output=True)
    return environment / "bin" / "nashc"


def test_what_is_inside(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "nashc/_data/grammar/nash.lark" in names
    assert "nashc/_data/specs/backbones/resnet.nash" in names
    assert "nashc/vocab/targets/U250.toml" in names
    for folder in ("templates", "grammar"):
        for path in (ROOT / folder).rglob("*"):
            is_cache = any(part.startswith((".", "__pycache__")) for part in path.parts)
            if path.is_file() and not is_cache:
                assert f"nashc/_data/{path.relative_to(ROOT).as_posix()}" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"nashc", "nashc-0.1.0.dist-info"}


def test_a_spec_compiles_from_it(nashc: Path, tmp_path: Path):
    said = _run(nashc, "new", "net.nash", cwd=tmp_path)
    assert "wrote net.nash" in said
    assert "net.nash: fine" in _run(nashc, "check", "net.nash", cwd=tmp_path)
    _run(nashc, "compile", str(SPECS / "resnet18_v3.nash"), "-o", "out", cwd=tmp_path)
    assert (tmp_path / "out" / "model.py").is_file()
    assert "NASH201" in _run(nashc, "explain", "NASH201", cwd=tmp_path)


def test_it_is_the_wheel_that_ran(nashc: Path, tmp_path: Path):
    where = "import nashc, nashc.resources as r; print(nashc.__file__); print(r.template_root())"
    said = _run(nashc.with_name("python"), "-c", where, cwd=tmp_path)
    assert all(str(nashc.parent.parent) in line for line in said.splitlines())


def _run(program: Path, *words: str, cwd: Path) -> str:
    # A checkout on the path would be found before the wheel.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(program), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
