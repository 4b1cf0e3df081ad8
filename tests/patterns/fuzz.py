"""By hand: `python -m tests.patterns.fuzz 1000 --seed 7`. Prints the smallest spec that check accepts and that fails later."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "templates"))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", type=int, help="specs to draw, refused ones too")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="a file for the smallest failing spec")
    args = parser.parse_args()
    from support.finn import tool as finn_tool
    from tests.patterns.property import Broken, search

    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder) / "finn"
        finn_tool.start(build)
        try:
            counts = search(args.examples, build, args.seed, lambda line: print(line, flush=True))
        except Broken as broken:
            if args.out:
                args.out.write_text(broken.text)
            print(broken.text, broken.why, sep="\n")
            return 1
    print(json.dumps(dict(counts.most_common()), indent=1))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
