"""By hand: `python -m tests.patterns.fuzz 100 --seed 7`. Every spec that check accepts must go all the way."""

from __future__ import annotations

import argparse
import collections
import json
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
sys.path.insert(0, str(TEMPLATES))

from tests.patterns.draw import draw_spec  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="where failing specs are kept")
    args = parser.parse_args()
    from support import finn_tool
    from tests.patterns.carry import carry

    out = args.out or Path(tempfile.mkdtemp(prefix="patterns_"))
    out.mkdir(parents=True, exist_ok=True)
    counts: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        finn_tool.start(Path(folder) / "finn")
        carried, seed = 0, args.seed
        while carried < args.examples:
            seed += 1
            spec = Path(folder) / "net.nash"
            try:
                refused = draw_spec(seed, spec)
            except Exception as error:
                counts["check crashed"] += 1
                shutil.copy(spec, out / f"{seed}.nash")
                print(f"{seed} CHECK CRASHED {error}"[:200], flush=True)
                continue
            if refused:
                counts["refused " + refused.split("\n")[0]] += 1
                continue
            carried += 1
            started = time.monotonic()
            try:
                signal.alarm(240)
                done = carry(spec, Path(folder) / "net", seed)
            except Exception as error:
                counts["failed"] += 1
                where = traceback.extract_tb(error.__traceback__)[-1]
                shutil.copy(spec, out / f"{seed}.nash")
                (out / f"{seed}.txt").write_text(traceback.format_exc())
                line = str(error).strip().split("\n")
                print(
                    f"{seed} FAILED {type(error).__name__} {' | '.join(line)[:200]} ({Path(where.filename).name}:{where.lineno})",
                    flush=True,
                )
            else:
                counts["carried"] += 1
                laps = " ".join(f"{k} {v:.1f}" for k, v in done.seconds.items())
                print(
                    f"{seed} ok {done.values} values, {done.nodes} nodes, {time.monotonic() - started:.1f} s ({laps})",
                    flush=True,
                )
            finally:
                signal.alarm(0)
            shutil.rmtree(Path(folder) / "finn", ignore_errors=True)
            (Path(folder) / "finn").mkdir()
    print(json.dumps(counts, indent=1), out)


if __name__ == "__main__":
    main()
