"""The cost of each layer as a colour, from pale to red; the same scale in picture, legend and table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from nashc.emit.picture.boxes import Box

# Fixed points of the scale: cheap, half, dear. Light enough for dark text throughout.
_STOPS = ((0.0, (238, 243, 248)), (0.5, (253, 217, 155)), (1.0, (240, 118, 92)))
UNKNOWN = "#ffffff"


@dataclass(frozen=True)
class Heat:
    """values: cost by layer name, in the unit that `label` names; notes: further words for a reader who points at it."""

    label: str
    values: Mapping[str, int]
    notes: Mapping[str, str]

    @property
    def most(self) -> int:
        return max(self.values.values(), default=0)

    def of(self, box: Box) -> int | None:
        """What a box costs: cycles run side by side and are those of its slowest layer, all else adds up."""
        found = [self.values[node.name] for node in box.nodes if node.name in self.values]
        if not found:
            return None
        return max(found) if self.label == "cycles" else sum(found)

    def colour(self, box: Box) -> str:
        value = self.of(box)
        if value is None:
            return UNKNOWN
        return scale(value / self.most if self.most else 0.0)

    def note(self, box: Box) -> str:
        return "; ".join(self.notes[node.name] for node in box.nodes if node.name in self.notes)


def scale(part: float) -> str:
    """Colour of a part of the dearest, 0 to 1."""
    part = min(1.0, max(0.0, part))
    for (low, cold), (high, warm) in pairwise(_STOPS):
        if part <= high:
            t = (part - low) / (high - low)
            red, green, blue = (round(a + (b - a) * t) for a, b in zip(cold, warm, strict=True))
            return f"#{red:02x}{green:02x}{blue:02x}"
    raise AssertionError(part)
