"""Tables II and III of the NASH paper beside what the specs give with the cost model of the paper's tool, FINN 0.9.

    python benchmarks/paper_tables.py

BRAM and LUT of ResNet18, which the paper only draws (Figures 8 and 9), stand below. `w1a2` gives the paper's `w1a1`: its
hardware figures are those of 1-bit weights with 2-bit activations.
"""

from __future__ import annotations

from pathlib import Path

from nashc.driver.estimate import Answer, Question, answer

SPECS = Path(__file__).resolve().parent.parent / "specs"
VERSIONS = {"o": "", "v1": "_v1", "v2": "_v2", "v3": "_v3", "v4": "_v4"}
# Paper, Table II: latency in ms, at 324.5 frames a second throughout.
LATENCY = {
    "w1a2": (116.0, 135.0, 133.7, 134.6, 134.1),
    "w2a2": (116.0, 135.0, 133.7, 134.4, 134.1),
    "w4a4": (116.0, 134.0, 133.7, 134.4, 134.1),
    "w8a8": (116.0, 134.0, 134.0, 134.4, 134.1),
}
# Paper, Table III: latency in ms, BRAM, LUT, at 324.54 frames a second throughout.
RESNET34 = {
    ("", "w1a2"): (215.74, 1640, 553392),
    ("_v3", "w1a2"): (251.67, 3273, 1486329),
    ("", "w2a2"): (215.74, 2850, 594004),
    ("_v3", "w2a2"): (251.67, 4483, 1547781),
}


def main() -> None:
    print("Table III, ResNet34: paper / ours")
    for (version, bits), (latency, bram, lut) in RESNET34.items():
        got = figures(f"resnet34{version}", bits)
        found = got.found
        print(
            f"  {version.lstrip('_') or 'o':3} {bits}  fps 324.54 / {found.fps:.2f}  "
            f"latency {latency} / {found.latency_ms:.2f} ms  "
            f"BRAM {bram} / {found.total('bram18')}  LUT {lut} / {found.total('lut')}"
        )
    ours = {
        (version, bits): figures(f"resnet18{suffix}", bits).found
        for bits in LATENCY
        for version, suffix in VERSIONS.items()
    }
    print("\nTable II, ResNet18: latency in ms (and frames a second): paper / ours")
    for bits, row in LATENCY.items():
        cells = [
            f"{version} {paper} / {ours[version, bits].latency_ms:.1f} ({ours[version, bits].fps:.1f})"
            for version, paper in zip(VERSIONS, row, strict=True)
        ]
        print(f"  {bits}  {'  '.join(cells)}")
    for resource, figure in (("bram18", "Figure 8"), ("lut", "Figure 9")):
        print(f"\n{figure}, ResNet18: {resource.upper()}, ours")
        for bits in LATENCY:
            cells = [f"{v} {ours[v, bits].total(resource):>9,}" for v in VERSIONS]
            print(f"  {bits}  {'  '.join(cells)}")


def figures(spec: str, bits: str) -> Answer:
    return answer(Question(SPECS / f"{spec}.nash", {"bits": bits}, "finn-0.9"))


if __name__ == "__main__":
    main()
