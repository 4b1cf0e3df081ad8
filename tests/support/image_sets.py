"""Data sets of a few images, and what tests ask of them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from support.data import datasets
from support.progress import StageError

CIFAR10 = {
    "kind": "cifar10",
    "path": "cifar",
    "channels": 3,
    "height": 32,
    "width": 32,
    "classes": 10,
}
FOLDER = {
    "kind": "folder",
    "path": "images",
    "channels": 3,
    "height": 16,
    "width": 24,
    "classes": 2,
    "augment": {"flip": True},
}


def refusal(settings, split="train", root=None):
    with pytest.raises(StageError) as caught:
        datasets.load(settings, split, root)
    text = caught.value.message
    return text if root is None else text.replace(str(root), "ROOT")


def collected(batches):
    return [(images.tolist(), labels.tolist()) for images, labels in batches]


def picture(colour, size=(40, 20), suffix="png"):
    content = io.BytesIO()
    Image.new("RGB", size, colour).save(content, suffix)
    return content.getvalue()


def class_folders(root):
    for split, count in (("train", 3), ("val", 2)):
        for name, colour in (("blue", (0, 0, 250)), ("red", (250, 0, 0))):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number}.png").write_bytes(picture(colour, (40 + number, 20)))
    return root
