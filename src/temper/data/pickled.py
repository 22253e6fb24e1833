"""CIFAR's files: Python 2 pickles of pixels and labels, of which only bytes with the official checksum are opened."""

import pickle
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from temper.data.download import fetch_folder
from temper.data.official import Files, OfficialFiles, OfficialImages
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy


@strategy
class CIFARImages(OfficialImages):
    """A CIFAR: 60,000 colour images of 32x32 pixels.

    A set says what it is called, where its files lie beneath the user's folder, the address of their archive and its
    MD5, the files of each part and that of the names, and the keys of labels and of names in them.
    """

    training_images: ClassVar[int] = 50_000
    title: ClassVar[str]
    inside: ClassVar[str]
    url: ClassVar[str]
    archive_md5: ClassVar[str]
    train_files: ClassVar[Files]
    test_files: ClassVar[Files]
    names_files: ClassVar[Files]
    labels: ClassVar[str]
    names: ClassVar[str]

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 3, 32, 32) uint8 and classes (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        (held,) = self._unpickled(self.names_files)
        return self._part(self.train_files), self._part(self.test_files), tuple(held[self.names])

    def read(self, path: Path) -> Tensor:
        """Return the user's picture in RGB at 32x32, (1, 3, 32, 32) uint8."""
        return read_image(path, height=32, width=32)

    @property
    def files(self) -> OfficialFiles:
        """Return the files of the set."""
        return OfficialFiles(
            name=self.title,
            root=self.root,
            inside=self.inside,
            files={**self.train_files, **self.test_files, **self.names_files},
            by_hand=f"unpack {self.url} into a folder",
            fetch=lambda folder: fetch_folder(self.url, self.archive_md5, folder.parent, folder.name),
        )

    def _part(self, names: Iterable[str]) -> Examples:
        batches = self._unpickled(names)
        pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        labels = [label for batch in batches for label in batch[self.labels]]
        return Examples(torch.from_numpy(pixels), torch.tensor(labels))

    def _unpickled(self, names: Iterable[str]) -> list[dict[str, Any]]:
        files = self.files
        with warnings.catch_warnings():
            # NumPy 2.4 warns of the integer flags with which Python 2 pickled these arrays in 2009.
            warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
            return [pickle.loads(files.content(name), encoding="latin1") for name in names]
