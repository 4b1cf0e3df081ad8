"""The evaluations of a trained network side by side, and what differs between them.

PyTorch in float64 is what the others are held to: Brevitas and QONNX in float32, the integer graph, FINN's hardware layers.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from support.export import trained
from support.files import atomic_path
from support.progress import Progress
from support.verification.comparison import Activations, Recorder, boundary_paths, flips
from support.verification.execution import ELEMENTS_MAX, Runner

# Of float32 logits, relative to the largest logit, where no activation differs.
LOGITS_TOLERANCE = 1e-4


class Checks:
    """The evaluations side by side, and what differed so far."""

    def __init__(
        self, network: trained.Trained, export: Path, out: Path | None, progress: Progress
    ) -> None:
        from qonnx.core.modelwrapper import ModelWrapper

        paths = boundary_paths(network.exact, network.graph.boundaries)
        self.exact = Recorder(network.exact, paths)
        self.brevitas = Recorder(network.network, paths)
        integer = ModelWrapper(str(export / "model.integer.onnx"))
        qonnx = ModelWrapper(str(export / "model.qonnx.onnx"))
        made = {tensor for node in integer.graph.node for tensor in node.output}
        # Without those that nothing reads: the graph leaves them out.
        self.boundaries = {b.layer: b for b in network.graph.boundaries if b.tensor in made}
        self.layers = list(self.boundaries)
        self.scale = float(integer.get_metadata_prop("logits_scale"))
        self.logits = integer.get_metadata_prop("logits_tensor")
        known = {tensor for node in qonnx.graph.node for tensor in node.output}
        self.qonnx = Runner(qonnx, known & set(self.layers))
        self.hardware = None
        # Data movement (windows of a convolution) is large and shows in what is computed from it.
        common = [
            tensor
            for node in integer.graph.node
            for tensor in node.output
            if node.op_type not in ("Im2Col", "Reshape")
        ]
        if out is not None:
            hardware = _hardware(integer, out, progress)
            made = {tensor for node in hardware.graph.node for tensor in node.output}
            common = [tensor for tensor in common if tensor in made]
            self.hardware = Runner(hardware, common, checks_datatypes=True)
        self.common = common
        kept = {*common, *(b.tensor for b in self.boundaries.values()), self.logits}
        self.integer = Runner(integer, kept, checks_datatypes=True)

        self.images = 0
        self.right = 0
        self.first_difference: dict[str, Any] | None = None
        self.brevitas_counts = _float_counts()
        self.qonnx_counts = _float_counts()
        self.integer_counts = {"values": 0, "different": 0, "argmax_equal": 0, "logit_ties": 0}
        self.finn_counts = {"values": 0, "different": 0, "argmax_equal": 0}

    def images_at_once(self) -> int:
        """How many `check` may be given."""
        runners = [r for r in (self.qonnx, self.integer, self.hardware) if r is not None]
        elements = sum(
            int(np.prod(self.integer.model.get_tensor_shape(tensor)))
            for tensor in self.integer.kept
        )
        # The integers, where they lay, and twice that again in the comparisons.
        return max(1, min(*(r.images_at_once() for r in runners), ELEMENTS_MAX // (4 * elements)))

    def check(self, images: np.ndarray, labels: np.ndarray, first: int) -> None:
        """images: [n, c, h, w] of pixels. first: the number of the first one, for messages."""
        self.images += len(images)
        exact = self.exact.run(images)
        classes = exact.logits.argmax(axis=1)
        self.right += int((classes == labels).sum())
        self._check_float(
            "Brevitas in float32", self.brevitas.run(images), exact, first, self.brevitas_counts
        )
        self._check_float("QONNX", self._qonnx(images), exact, first, self.qonnx_counts)
        pixels = images.transpose(0, 2, 3, 1)
        integers = self.integer.run(pixels)
        self._check_integer(integers, exact, first)
        if self.hardware is not None:
            self._check_hardware(self.hardware.run(pixels), integers, first)

    def _qonnx(self, images: np.ndarray) -> Activations:
        found = self.qonnx.run(images)
        integers = {}
        for layer, boundary in self.boundaries.items():
            if layer in found:
                values = np.rint(found[layer].astype(np.float64) / boundary.scale)
                integers[layer] = values.transpose(0, 2, 3, 1) if values.ndim == 4 else values
        return Activations(found[self.qonnx.outputs[0]], integers, {})

    def _check_float(
        self, name: str, found: Activations, exact: Activations, first: int, counts: dict[str, Any]
    ) -> None:
        """Float32 against float64: equal integers and close logits, or a tie in between."""
        differing = {flip.image: flip for flip in flips(found.integers, exact, self.layers)}
        largest = np.abs(exact.logits).max()
        off = np.abs(found.logits - exact.logits).max(axis=1) / largest
        equal_class = found.logits.argmax(axis=1) == exact.logits.argmax(axis=1)
        counts["argmax_equal"] += int(equal_class.sum())
        for image in range(len(exact.logits)):
            flip = differing.get(image)
            if flip is not None:
                counts["images_with_ties"] += flip.is_tie
                counts["ties"] += flip.count if flip.is_tie else 0
                if not flip.is_tie:
                    self._differs(name, flip.layer, first + image, flip.detail)
                continue
            counts["max_logit_difference"] = max(counts["max_logit_difference"], float(off[image]))
            if off[image] > LOGITS_TOLERANCE:
                detail = f"logits are off by {off[image]:.2g} of the largest"
                self._differs(name, self.logits, first + image, detail)
            else:
                counts["images_equal"] += 1

    def _check_integer(
        self, integers: dict[str, np.ndarray], exact: Activations, first: int
    ) -> None:
        counts = self.integer_counts
        for layer, boundary in self.boundaries.items():
            expected, found = exact.integers[layer], integers[boundary.tensor]
            counts["values"] += expected.size
            self._count_different("the integer graph", layer, found, expected, first, counts)
        expected = np.rint(exact.logits / self.scale)
        counts["values"] += expected.size
        found = integers[self.logits]
        self._count_different("the integer graph", self.logits, found, expected, first, counts)
        chosen = integers["class"].reshape(-1).astype(int)
        ordered = np.sort(expected, axis=1)
        is_tie = ordered[:, -1] == ordered[:, -2]
        # Equal logits: any of their classes is right, and float64 products may order them by chance.
        is_best = expected[np.arange(len(chosen)), chosen] == ordered[:, -1]
        counts["logit_ties"] += int(is_tie.sum())
        counts["argmax_equal"] += int(is_best.sum())
        if not is_best.all():
            image = first + int(np.argmin(is_best))
            self._differs("the integer graph", "class", image, "another class")

    def _check_hardware(
        self, found: dict[str, np.ndarray], integers: dict[str, np.ndarray], first: int
    ) -> None:
        for tensor in self.common:
            self.finn_counts["values"] += integers[tensor].size
            self._count_different(
                "FINN", tensor, found[tensor], integers[tensor], first, self.finn_counts
            )
        chosen = found[self.hardware.outputs[0]].reshape(-1)
        equal = chosen == integers["class"].reshape(-1)
        self.finn_counts["argmax_equal"] += int(equal.sum())

    def _count_different(
        self,
        name: str,
        layer: str,
        found: np.ndarray,
        expected: np.ndarray,
        first: int,
        counts: dict[str, Any],
    ) -> None:
        differs = found.reshape(expected.shape) != expected
        if not differs.any():
            return
        counts["different"] += int(differs.sum())
        where = np.argwhere(differs)[0]
        given, wanted = found.reshape(expected.shape)[tuple(where)], expected[tuple(where)]
        place = f"[{', '.join(str(i) for i in where[1:])}]"
        self._differs(
            name, layer, first + int(where[0]), f"{given:.0f} instead of {wanted:.0f} at {place}"
        )

    def _differs(self, evaluation: str, layer: str, image: int, detail: str) -> None:
        if self.first_difference is None:
            self.first_difference = {
                "evaluation": evaluation,
                "layer": layer,
                "image": image,
                "detail": detail,
            }

    def _out_of_range(self) -> list[dict[str, Any]]:
        runners = {"the integer graph": self.integer, "FINN": self.hardware}
        return [
            {"evaluation": name, **asdict(found)}
            for name, runner in runners.items()
            if runner is not None
            for found in runner.out_of_range
        ]

    def result(self) -> dict[str, Any]:
        out_of_range = self._out_of_range()
        return {
            "images": self.images,
            "accuracy": self.right / self.images,
            "brevitas_float32": self.brevitas_counts,
            "qonnx": {**self.qonnx_counts, "activations_compared": len(self.qonnx.kept) - 1},
            "integer": {**self.integer_counts, "activations_compared": len(self.layers)},
            "finn": None
            if self.hardware is None
            else {
                **self.finn_counts,
                "nodes": len(self.hardware.model.graph.node),
                "tensors_compared": len(self.common),
            },
            "ties": self.brevitas_counts["ties"],
            "out_of_range": out_of_range,
            "first_difference": self.first_difference,
            "ok": self.first_difference is None and not out_of_range,
        }

    def text(self) -> str:
        if self.first_difference is not None:
            return f"first difference at {self.first_difference['layer']}"
        return "all equal so far" if self.images else ""

    def failure(self) -> str:
        if self.first_difference is not None:
            first = self.first_difference
            return (
                f"{first['evaluation']} differs from the trained network first at {first['layer']}, "
                f"image {first['image']}: {first['detail']}"
            )
        first = self._out_of_range()[0]
        return (
            f"{first['evaluation']}: {first['node']} gives values from {first['low']:.0f} to "
            f"{first['high']:.0f}, its type is {first['datatype']}"
        )


def _float_counts() -> dict[str, Any]:
    return {
        "images_equal": 0,
        "images_with_ties": 0,
        "ties": 0,
        "argmax_equal": 0,
        "max_logit_difference": 0.0,
    }


def _hardware(integer: Any, out: Path, progress: Progress) -> Any:
    """FINN's hardware layers of the integer graph, saved beside the results."""
    from support.finn import hardware as finn_hardware
    from support.finn import tool as finn_tool
    from support.finn import widths as finn_widths

    def say(text: str) -> None:
        progress.update(0, 1, unit="network", text=f"FINN: {text}")

    finn_tool.start(out / "finn")
    model = finn_widths.minimise(finn_hardware.to_hardware(integer, say), say)
    with atomic_path(out / "hardware.onnx") as path:
        onnx.save(model.model, str(path))
    return model
