"""The idx files of MNIST and of sets in its format: a header of big-endian sizes, then bytes.

    2 zero bytes, the type of a value (8: unsigned byte), the number of dimensions    4 bytes
    the size of each dimension                                                        4 bytes each
    the values, the last dimension running fastest

Four files of this form are a set: the images and the labels of each part.
"""

import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from temper.data.download import fetch_unzipped
from temper.data.official import OfficialFiles, OfficialImages
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy

SIDE = 28  # pixels
TRAINING_IMAGES, TEST_IMAGES = 60_000, 10_000
LENGTHS = {
    "train-images-idx3-ubyte": 16 + TRAINING_IMAGES * SIDE * SIDE,
    "train-labels-idx1-ubyte": 8 + TRAINING_IMAGES,
    "t10k-images-idx3-ubyte": 16 + TEST_IMAGES * SIDE * SIDE,
    "t10k-labels-idx1-ubyte": 8 + TEST_IMAGES,
}
_BYTES = 8


def idx_array(content: bytes, name: str) -> Tensor:
    """Return the unsigned bytes that the idx file called ``name`` holds, in their shape.

    Raises:
        ValueError: the header or the length is another.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != _BYTES:
        raise ValueError(f"{name}: is no idx file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:start]) if len(content) >= start else ()
    if len(content) != start + prod(shape):
        raise ValueError(f"{name}: has {len(content)} bytes, and its header speaks of {start + prod(shape)}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).view(shape)


@strategy
class IdxImages(OfficialImages):
    """A set in MNIST's format: 70,000 grey images of 28x28 pixels.

    A set says what it is called, where its files lie beneath the user's folder, the address of the zipped ones with
    the MD5 of each, the MD5 of each unzipped, and what its classes are called.
    """

    training_images: ClassVar[int] = TRAINING_IMAGES
    title: ClassVar[str]
    inside: ClassVar[str]
    url: ClassVar[str]
    zipped: ClassVar[Mapping[str, str]]  # file beneath the address: MD5
    unzipped: ClassVar[Mapping[str, str]]  # file: MD5
    class_names: ClassVar[tuple[str, ...]]

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return len(self.class_names)

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 1, 28, 28) uint8 and classes (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        return self._part("train"), self._part("t10k"), self.class_names

    def read(self, path: Path) -> Tensor:
        """Return the user's picture, bright on black, in grey at 28x28, (1, 1, 28, 28) uint8."""
        return read_image(path, height=SIDE, width=SIDE, grey=True)

    @property
    def files(self) -> OfficialFiles:
        """Return the four files of the set."""
        return OfficialFiles(
            name=self.title,
            root=self.root,
            inside=self.inside,
            files={name: (LENGTHS[name], md5) for name, md5 in self.unzipped.items()},
            by_hand=f"put {', '.join(self.zipped)} of {self.url}, unzipped, into {self.inside} of a folder",
            fetch=lambda folder: fetch_unzipped(self.url, self.zipped, folder.parent, folder.name),
        )

    def _part(self, part: str) -> Examples:
        images, labels = (
            idx_array(self.files.content(name), name)
            for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
        )
        return Examples(images.unsqueeze(1), labels.long())
