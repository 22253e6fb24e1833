"""CIFAR-10 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images"): small photographs.

    x = 32x32 pixels of red, green, blue, 0 to 255    50,000 training and 10,000 test images
    y = one of 10 classes                             5,000 and 1,000 images of each

Read from the folder that torchvision, too, reads and writes. Files are pickles: only bytes with the official checksum
are ever opened.
"""

import hashlib
import pickle
import warnings
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from temper.download import fetch_folder, one_at_a_time
from temper.facts import Examples, Splits
from temper.quantity import NonNegativeCount, Switch
from temper.reading import read_image
from temper.split import rows, shuffled
from temper.strategy import Data, strategy

_FOLDER = "cifar-10-batches-py"
_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
_TRAINING_IMAGES = 50_000
_FILES = {  # name: bytes and MD5
    "data_batch_1": (31035704, "c99cafc152244af753f735de768cd75f"),
    "data_batch_2": (31035320, "d4bba439e000b95fd0a9bffe97cbabec"),
    "data_batch_3": (31035999, "54ebc095f3ab1f0389bbae665268c751"),
    "data_batch_4": (31035696, "634d18415352ddfa80567beed471001a"),
    "data_batch_5": (31035623, "482c414d41f54cd18b22e5b47cb7c3cb"),
    "test_batch": (31035526, "40351d587109b95175f43aff81a1287e"),
    "batches.meta": (158, "5ff9c542aee3614f3951f8cda6e48888"),
}


@strategy
class CIFAR10(Data):
    """60,000 images of 10 classes."""

    images: ClassVar[bool] = True

    root: Annotated[str, Field(min_length=1)]
    download: Switch
    validation: Annotated[NonNegativeCount, Field(lt=_TRAINING_IMAGES)]
    drop_last: Switch

    @property
    def classes(self) -> int:
        """Return 10."""
        return 10

    @property
    def validates(self) -> bool:
        """Return whether training images are set apart for validation."""
        return self.validation > 0

    def prepare(self) -> None:
        """Look that each file is there and whole (contents are checked as they are read); fetch them if none is.

        Raises:
            ValueError: a file is missing or has another length, or the folder is absent and cannot be fetched.
        """
        if not self._folder.is_dir():
            with one_at_a_time("cifar10"):
                if not self._folder.is_dir():
                    self._fetch()
        for name, (size, _) in _FILES.items():
            path = self._folder / name
            if not path.is_file():
                raise ValueError(f"{path} is missing: {self._way_out}")
            if path.stat().st_size != size:
                raise ValueError(f"{path} has {path.stat().st_size} bytes instead of {size}: {self._way_out}")

    def splits(self) -> Splits:
        """Return images (n, 3, 32, 32) uint8 and classes (n,) int64; validation holds as many of each class.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        train = self._examples([name for name in _FILES if name.startswith("data_batch")])
        validation = None
        if self.validation:
            order = shuffled(train.targets, stratified=True)
            validation, train = rows(train, order[: self.validation]), rows(train, order[self.validation :])
        names = tuple(self._content("batches.meta")["label_names"])
        return Splits(train=train, validation=validation, test=self._examples(["test_batch"]), class_names=names)

    def read(self, path: Path) -> Tensor:
        """Return the user's picture in RGB at 32x32, (1, 3, 32, 32) uint8."""
        return read_image(path, height=32, width=32)

    @property
    def _folder(self) -> Path:
        return Path(self.root).expanduser().absolute() / _FOLDER

    @property
    def _way_out(self) -> str:
        return f"delete {self._folder} to have it fetched again, or name another copy's parent: data.root=FOLDER"

    def _fetch(self) -> None:
        fault = "data.download=false"
        if self.download:
            try:
                fetch_folder(_URL, _ARCHIVE_MD5, self._folder.parent, _FOLDER)
            except OSError as error:
                fault = f"fetching it failed: {error}"
            else:
                return
        raise ValueError(
            f"CIFAR-10 is not at {self._folder} ({fault}): unpack {_URL} into a folder "
            f"and name the folder that then holds {_FOLDER}: data.root=FOLDER"
        )

    def _examples(self, names: list[str]) -> Examples:
        batches = [self._content(name) for name in names]
        pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        return Examples(
            torch.from_numpy(pixels), torch.tensor([label for batch in batches for label in batch["labels"]])
        )

    def _content(self, name: str) -> dict[str, Any]:
        path = self._folder / name
        content = path.read_bytes()
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != _FILES[name][1]:
            raise ValueError(f"{path} is not the official file, its checksum is another: {self._way_out}")
        with warnings.catch_warnings():
            # NumPy 2.4 warns of the integer flags with which Python 2 pickled these arrays in 2009.
            warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
            batch: dict[str, Any] = pickle.loads(content, encoding="latin1")
        return batch
