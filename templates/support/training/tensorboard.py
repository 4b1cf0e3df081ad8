"""Figures of each epoch for TensorBoard, beside log.jsonl: only if asked for, and only then is its package needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.progress import StageError


class TensorBoard:
    def __init__(self, folder: Path) -> None:
        """Errors: StageError when the package is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise StageError(
                "--tensorboard needs the package tensorboard, which is not installed",
                "pip install 'tensorboard<2.20', or read log.jsonl, which holds the same figures",
            ) from error
        self._writer = SummaryWriter(str(folder))

    def write(self, entry: dict[str, Any]) -> None:
        """entry: a line of log.jsonl. A resumed run may write an epoch twice: TensorBoard shows the later one."""
        for name, value in entry.items():
            if isinstance(value, float):
                group = "test" if name.startswith("test_") else "training"
                self._writer.add_scalar(
                    f"{group}/{name.removeprefix('test_')}", value, entry["epoch"]
                )
        self._writer.flush()
