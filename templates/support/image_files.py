"""Images on disk: CIFAR-10 in its published binary form, and class folders (train/<class>/*, test or val/<class>/*),
plain or in a tar. Every file that is missing, cut off or no image is named in a StageError.
"""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from support.progress import StageError

CIFAR10_SIDE = 32
CIFAR10_RECORD_BYTES = 1 + 3 * CIFAR10_SIDE * CIFAR10_SIDE
CIFAR10_FILES = {
    "train": [f"data_batch_{number}.bin" for number in range(1, 6)],
    "test": ["test_batch.bin"],
}
CIFAR10_HELP = (
    "CIFAR-10 is read as its binary version (cifar-10-binary.tar.gz, packed or not), or as class folders: "
    "train/<class>/*.png and test/<class>/*.png, plain or in a tar"
)
SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val")}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp"}

# What ImageNet networks are trained and tested with: a random part of the picture of this area and aspect, and the middle
# of the picture after its shorter side was brought to 256 for an input of 224.
CROP_AREA = (0.08, 1.0)
CROP_ASPECT = (3 / 4, 4 / 3)
TEST_SIDE = 256 / 224
DECODERS = 8
# Random numbers that augment one image, each from 0 to 1: area and aspect of a cut, where it or a small image lies, mirrored.
DRAWS = 5
CROP_DRAWS = slice(2, 4)
FLIP_DRAW = 4


def cifar10(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8 N x 3 x 32 x 32 and int64 labels."""
    shape = (3, CIFAR10_SIDE, CIFAR10_SIDE)
    if path.is_file():
        return _cifar10_archive(path, split, shape)
    for folder in (path, path / "cifar-10-batches-bin"):
        if (folder / CIFAR10_FILES["train"][0]).exists() or (folder / "test_batch.bin").exists():
            parts = [
                _cifar10_records(str(folder / name), _read(folder / name))
                for name in CIFAR10_FILES[split]
            ]
            return _joined(parts)
    for folder in (path, path / "cifar-10-batches-py"):
        if (folder / "data_batch_1").exists():
            raise StageError(
                f"{folder} holds CIFAR-10 as Python pickles, and a pickle can run any program",
                "download the binary version, cifar-10-binary.tar.gz, from the same page",
            )
    if not (path / "train").is_dir():
        raise StageError(f"{path} holds no CIFAR-10", CIFAR10_HELP)
    files, labels = _class_folders(path, split)
    with ThreadPoolExecutor(DECODERS) as pool:
        pixels = list(pool.map(lambda file: _decoded_exactly(file, _read(file), shape), files))
    return np.stack(pixels), labels


@dataclass(frozen=True)
class FolderImages:
    """Class folders of pictures of any size, decoded when asked for."""

    files: list[Path]
    labels: np.ndarray
    shape: tuple[int, int, int]
    flip: bool
    pool: ThreadPoolExecutor = field(repr=False)
    is_slow: bool = True

    @staticmethod
    def open(path: Path, split: str, shape: tuple[int, int, int], flip: bool) -> FolderImages:
        files, labels = _class_folders(path, split)
        return FolderImages(files, labels, shape, flip, ThreadPoolExecutor(DECODERS))

    def images(self, indices: np.ndarray, draws: np.ndarray | None = None) -> np.ndarray:
        each = [None] * len(indices) if draws is None else list(draws)
        files = [self.files[index] for index in indices]
        images = list(self.pool.map(self._image, files, each))
        return np.stack(images) if images else np.empty((0, *self.shape), np.uint8)

    def _image(self, file: Path, draw: np.ndarray | None) -> np.ndarray:
        return _decode(
            str(file), _read(file), self.shape[0], lambda picture: self._cut(picture, draw)
        )

    def _cut(self, picture: Any, draw: np.ndarray | None) -> Any:
        from PIL import Image  # not every data set needs Pillow

        _, height, width = self.shape
        if draw is None:
            return _middle(picture, height, width)
        picture = picture.resize(
            (width, height), Image.Resampling.BILINEAR, box=_random_box(picture.size, draw)
        )
        if self.flip and draw[FLIP_DRAW] < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return picture


def _middle(picture: Any, height: int, width: int) -> Any:
    from PIL import Image

    scale = max(height / picture.height, width / picture.width) * TEST_SIDE
    # Resize and crop in one: the part of the picture that ends up in the middle.
    box_width, box_height = width / scale, height / scale
    left, top = (picture.width - box_width) / 2, (picture.height - box_height) / 2
    box = (left, top, left + box_width, top + box_height)
    return picture.resize((width, height), Image.Resampling.BILINEAR, box=box)


def _random_box(size: tuple[int, int], draw: np.ndarray) -> tuple[float, float, float, float]:
    width, height = size
    area = width * height * (CROP_AREA[0] + draw[0] * (CROP_AREA[1] - CROP_AREA[0]))
    low, high = np.log(CROP_ASPECT[0]), np.log(CROP_ASPECT[1])
    aspect = float(np.exp(low + draw[1] * (high - low)))
    box_width = min(width, max(1.0, (area * aspect) ** 0.5))
    box_height = min(height, max(1.0, (area / aspect) ** 0.5))
    left, top = draw[2] * (width - box_width), draw[3] * (height - box_height)
    return left, top, left + box_width, top + box_height


def _class_folders(path: Path, split: str) -> tuple[list[Path], np.ndarray]:
    classes = _subfolders(path / "train") if (path / "train").is_dir() else []
    if not classes:
        raise StageError(
            f"{path} has no class folders",
            "it should hold train/<class>/*.jpg and test/<class>/*.jpg (or val instead of test)",
        )
    folder = next((path / name for name in SPLIT_FOLDERS[split] if (path / name).is_dir()), None)
    if folder is None:
        raise StageError(
            f"{path} has no {' or '.join(SPLIT_FOLDERS[split])} folder",
            "the images to test on belong there, in one folder for each class",
        )
    if _subfolders(folder) != classes:
        raise StageError(f"{folder} has other class folders than {path / 'train'}")
    files, labels = [], []
    for label, name in enumerate(classes):
        of_class = sorted(
            file for file in (folder / name).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES
        )
        if not of_class:
            raise StageError(f"{folder / name} holds no image")
        files += of_class
        labels += [label] * len(of_class)
    return files, np.array(labels, dtype=np.int64)


def _subfolders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())


def _cifar10_archive(
    path: Path, split: str, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A tar of the binary files or of class folders; nothing is unpacked to disk."""
    records: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    pictures: list[tuple[str, str, np.ndarray]] = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                place = PurePosixPath(member.name)
                if not member.isfile():
                    continue
                if place.name in CIFAR10_FILES[split]:
                    records[place.name] = _cifar10_records(
                        f"{place} in {path}", _member(archive, member)
                    )
                elif len(place.parts) >= 3 and place.parts[-3] in SPLIT_FOLDERS[split]:
                    image = _decoded_exactly(f"{place} in {path}", _member(archive, member), shape)
                    pictures.append((place.parts[-2], place.name, image))
    except (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, OSError) as error:
        raise StageError(
            f"{path} is cut off or no tar: {error}", "download it again, or check its digest"
        ) from error
    if records:
        missing = [name for name in CIFAR10_FILES[split] if name not in records]
        if missing:
            raise StageError(f"{path} lacks {', '.join(missing)}", CIFAR10_HELP)
        return _joined(records[name] for name in CIFAR10_FILES[split])
    if not pictures:
        raise StageError(f"{path} holds no CIFAR-10 images to {split} on", CIFAR10_HELP)
    pictures.sort(key=lambda picture: picture[:2])
    classes = sorted({name for name, _, _ in pictures})
    labels = np.array([classes.index(name) for name, _, _ in pictures], dtype=np.int64)
    return np.stack([image for _, _, image in pictures]), labels


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content: BinaryIO | None = archive.extractfile(member)
    assert content is not None, member.name
    return content.read()


def _cifar10_records(name: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Records of a label byte and 3 x 32 x 32 pixel bytes."""
    if not content or len(content) % CIFAR10_RECORD_BYTES:
        raise StageError(
            f"{name} is cut off: {len(content)} bytes are not a whole number of records of {CIFAR10_RECORD_BYTES}",
            "download it again",
        )
    table = np.frombuffer(content, dtype=np.uint8).reshape(-1, CIFAR10_RECORD_BYTES)
    labels = table[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise StageError(f"{name} is no CIFAR-10: it has a label {labels.max()}", CIFAR10_HELP)
    return table[:, 1:].reshape(-1, 3, CIFAR10_SIDE, CIFAR10_SIDE), labels


def _joined(parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = zip(*parts, strict=True)
    return np.concatenate(pixels), np.concatenate(labels)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StageError(f"cannot read {file}: {error.strerror}") from error


def _decoded_exactly(name: Path | str, content: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    image = _decode(str(name), content, shape[0], lambda picture: picture)
    if image.shape != shape:
        _, h, w = image.shape
        raise StageError(f"{name} is {w}x{h} pixels, not {shape[2]}x{shape[1]}")
    return image


def _decode(name: str, content: bytes, channels: int, cut: Callable[[Any], Any]) -> np.ndarray:
    """uint8 C x H x W."""
    try:
        from PIL import Image
    except ImportError as error:
        raise StageError(
            "image files are read with Pillow, which is not installed", "pip install pillow"
        ) from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture = cut(picture.convert("RGB" if channels == 3 else "L"))
    # Pillow reports broken files with all of these.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise StageError(f"{name} is no image, or a broken one: {error}", "remove it") from error
    pixels = np.asarray(picture)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)
