"""Pictures of any size, decoded when they are asked for: cut, mirrored and brought to the size of the network's input.

Every file that is cut off or no image is named in a StageError.
"""

from __future__ import annotations

import functools
import io
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from support.data.class_folders import Picture, class_folders
from support.progress import StageError

# What ImageNet networks are trained and tested with: a random part of the picture of this area and aspect, and the middle
# of the picture after its shorter side was brought to 256 for an input of 224.
CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
TEST_SIDE = 256 / 224
DECODERS = max(2, os.cpu_count() or 2)
# Random numbers that augment one image, each from 0 to 1: area and aspect of a cut, where it or a small image lies, mirrored.
DRAWS = 5
CROP_DRAWS = slice(2, 4)
FLIP_DRAW = 4


@dataclass(frozen=True)
class FolderImages:
    """Class folders of pictures of any size, decoded when asked for."""

    pictures: list[Picture]
    labels: np.ndarray
    shape: tuple[int, int, int]
    flip: bool
    names_digest: str
    note: str
    pool: ThreadPoolExecutor = field(repr=False)
    is_slow: bool = True

    @staticmethod
    def open(path: Path, split: str, shape: tuple[int, int, int], flip: bool) -> FolderImages:
        found = class_folders(path, split)
        pool = ThreadPoolExecutor(DECODERS)
        told = found.digest, found.note
        return FolderImages(found.pictures, found.labels, shape, flip, *told, pool)

    def digest(self) -> str:
        return self.names_digest

    def images(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        each = [None] * len(indices) if draws is None else list(draws)
        chosen = [self.pictures[index] for index in indices]
        images = list(self.pool.map(self._image, chosen, each))
        return np.stack(images) if images else np.empty((0, *self.shape), np.uint8)

    def _image(self, picture: Picture, draw: np.ndarray | None) -> np.ndarray:
        cut = functools.partial(self._cut, draw=draw)
        return _decode(picture.name, picture.read(), cut)

    def _cut(self, picture: Any, draw: np.ndarray | None) -> Any:
        from PIL import Image  # not every data set needs Pillow

        channels, height, width = self.shape
        size = (width, height)
        box = _middle(picture.size, size) if draw is None else _random_box(picture.size, draw)
        box = _decode_less(picture, box, size)
        picture = _coloured(picture, channels).resize(size, Image.Resampling.BILINEAR, box=box)
        if draw is not None and self.flip and draw[FLIP_DRAW] < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return picture


Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


def _middle(picture: tuple[int, int], size: tuple[int, int]) -> Box:
    """Resize and crop in one: the part of the picture that ends up in the middle."""
    scale = max(size[0] / picture[0], size[1] / picture[1]) * TEST_SIDE
    box_width, box_height = size[0] / scale, size[1] / scale
    left, top = (picture[0] - box_width) / 2, (picture[1] - box_height) / 2
    return left, top, left + box_width, top + box_height


def _decode_less(picture: Any, box: Box, size: tuple[int, int]) -> Box:
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8, as long as the box keeps the pixels of `size`; gives the box in it."""
    width, height = picture.size
    scale = min((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])
    if scale >= 2:
        picture.draft(None, (int(width / scale), int(height / scale)))
    across, down = picture.size[0] / width, picture.size[1] / height
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def _random_box(size: tuple[int, int], draw: np.ndarray) -> Box:
    width, height = size
    area = width * height * (CROP_AREA[0] + draw[0] * (CROP_AREA[1] - CROP_AREA[0]))
    low, high = np.log(CROP_ASPECT[0]), np.log(CROP_ASPECT[1])
    aspect = float(np.exp(low + draw[1] * (high - low)))
    box_width = min(width, max(1.0, (area * aspect) ** 0.5))
    box_height = min(height, max(1.0, (area / aspect) ** 0.5))
    left, top = draw[2] * (width - box_width), draw[3] * (height - box_height)
    return left, top, left + box_width, top + box_height


def decoded_exactly(name: str, content: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 in `shape`. Errors: StageError when the picture is broken or of another size."""
    image = _decode(name, content, lambda picture: _coloured(picture, shape[0]))
    if image.shape != shape:
        _, h, w = image.shape
        raise StageError(f"{name} is {w}x{h} pixels, not {shape[2]}x{shape[1]}")
    return image


def _decode(name: str, content: bytes, cut: Callable[[Any], Any]) -> np.ndarray:
    """uint8 C x H x W."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise StageError(
            "image files are read with Pillow, which is not installed", "pip install pillow"
        ) from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(cut(picture))
    except Image.DecompressionBombError as error:
        raise StageError(
            f"{name} is too large: {error}", "store it smaller, or remove it"
        ) from error
    # Pillow reports broken files with all of these.
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error) as error:
        why = "it is empty" if not content else str(error)
        if type(error) is UnidentifiedImageError and content:
            why = "it has the format of no image"
        raise StageError(
            f"{name} is no image, or a broken one: {why}", "copy it again, or remove it"
        ) from error
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _coloured(picture: Any, channels: int) -> Any:
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits: Pillow's own convert makes all above 255 white
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture.convert("RGB" if channels == 3 else "L")
