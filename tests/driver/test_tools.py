"""What is asked of other programs, with stand-ins for them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from nashc.tools import interpreter, process, vivado


def tool(folder: Path, name: str) -> Path:
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_no_vivado():
    assert vivado.missing({"PATH": ""}) == "Vivado not found (needs 2022.2 or later)"


def test_vivado_by_its_environment_variable(tmp_path: Path):
    path = tool(tmp_path / "Vivado" / "2023.1", "vivado")
    environment = {"PATH": "", "XILINX_VIVADO": str(tmp_path / "Vivado" / "2023.1")}
    assert vivado.missing(environment) is None
    found = vivado.find("vivado", environment)
    assert found and (found.path, found.version) == (path, "2023.1")


def test_vivado_on_the_path_only(tmp_path: Path):
    path = tool(tmp_path / "Vivado" / "2023.1", "vivado")
    missing = vivado.missing({"PATH": str(path.parent)})
    assert missing and "source its settings64.sh first" in missing


def test_an_old_vivado(tmp_path: Path):
    tool(tmp_path / "Vivado" / "2020.1", "vivado")
    environment = {"PATH": "", "XILINX_VIVADO": str(tmp_path / "Vivado" / "2020.1")}
    assert vivado.missing(environment) == "Vivado 2020.1 is too old (needs 2022.2 or later)"


def test_versions_of_this_interpreter_and_of_another_agree(tmp_path: Path):
    other = tmp_path / "python"  # the same one under another name, so that it is asked
    other.symlink_to(sys.executable)
    own = interpreter.versions(sys.executable, ["click", "no-such-thing"])
    assert own["click"] and "no-such-thing" not in own
    asked = interpreter.versions(str(other), ["no-such-thing"])
    assert asked == {"python": own["python"]}


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n"])
def test_a_program_that_is_no_python(tmp_path: Path, text: str):
    fake = tmp_path / "python"
    fake.write_text(text)
    fake.chmod(0o755)
    with pytest.raises(interpreter.NoInterpreter, match="does not answer like Python"):
        interpreter.versions(str(fake), [])


def test_a_log_keeps_little_of_the_progress_and_all_else(tmp_path: Path):
    """Who listens hears everything."""
    program = """
import json
for done in range(101):
    print(json.dumps({"event": "progress", "done": done, "total": 100}))
    if done == 50:
        print("a library says hello")
        print(json.dumps({"event": "log", "text": "half"}))
print(json.dumps({"event": "result", "top1": 0.5}))
"""
    heard: list[process.Event] = []
    log = tmp_path / "log.txt"
    process.run(
        [sys.executable, "-c", program],
        folder=tmp_path,
        environment=os.environ,
        log=log,
        on_event=heard.append,
    )
    assert len(heard) == 104
    kept = log.read_text().splitlines()
    progress = [json.loads(line)["done"] for line in kept if '"progress"' in line]
    assert progress[0] == 0 and progress[-1] == 100 and len(progress) < 10
    assert [line for line in kept if '"progress"' not in line] == [
        "a library says hello",
        '{"event": "log", "text": "half"}',
        '{"event": "result", "top1": 0.5}',
    ]
