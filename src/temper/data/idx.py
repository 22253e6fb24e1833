"""The idx files of MNIST and of sets in its format: a header of big-endian sizes, then bytes.

    2 zero bytes, the type of a value (8: unsigned byte), the number of dimensions    4 bytes
    the size of each dimension                                                        4 bytes each
    the values, the last dimension running fastest

Four files of this form are a set: the images and the labels of each part.
"""

import struct
from collections.abc import Mapping
from math import prod

import torch
from torch import Tensor

from temper.data.download import fetch_unzipped
from temper.data.official import OfficialFiles
from temper.facts import Examples

SIDE = 28  # pixels
TRAINING_IMAGES, TEST_IMAGES = 60_000, 10_000
LENGTHS = {
    "train-images-idx3-ubyte": 16 + TRAINING_IMAGES * SIDE * SIDE,
    "train-labels-idx1-ubyte": 8 + TRAINING_IMAGES,
    "t10k-images-idx3-ubyte": 16 + TEST_IMAGES * SIDE * SIDE,
    "t10k-labels-idx1-ubyte": 8 + TEST_IMAGES,
}
_BYTES = 8


def idx_files(
    *,
    name: str,
    root: str,
    inside: str,
    files: Mapping[str, tuple[int | None, str]],
    url: str,
    zipped: Mapping[str, str],
) -> OfficialFiles:
    """Return the four files of a set in MNIST's format; ``zipped`` holds the MD5 of each file beneath ``url``."""
    return OfficialFiles(
        name=name,
        root=root,
        inside=inside,
        files=files,
        by_hand=f"put {', '.join(zipped)} of {url}, unzipped, into {inside} of a folder",
        fetch=lambda folder: fetch_unzipped(url, zipped, folder.parent, folder.name),
    )


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


def idx_examples(files: OfficialFiles, part: str) -> Examples:
    """Return images (n, 1, 28, 28) uint8 and classes (n,) int64 of ``part``: train or t10k.

    Raises:
        ValueError: a file is not the official one; names it.
    """
    images, labels = (
        idx_array(files.content(name), name) for name in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    )
    return Examples(images.unsqueeze(1), labels.long())
