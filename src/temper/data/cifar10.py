"""CIFAR-10 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images"): small photographs.

    x = 32x32 pixels of red, green, blue, 0 to 255    50,000 training and 10,000 test images
    y = one of 10 classes                             5,000 and 1,000 images of each

Read from the folder that torchvision, too, reads and writes. Files are pickles: only bytes with the official checksum
are ever opened.
"""

from pathlib import Path
from typing import ClassVar

from torch import Tensor

from temper.data.official import OfficialFiles, OfficialImages
from temper.data.pickled import cifar_examples, cifar_files, unpickled
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy

_FOLDER = "cifar-10-batches-py"
_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
_TRAINING_IMAGES = 50_000
_FILES: dict[str, tuple[int | None, str]] = {  # name: bytes and MD5
    "data_batch_1": (31035704, "c99cafc152244af753f735de768cd75f"),
    "data_batch_2": (31035320, "d4bba439e000b95fd0a9bffe97cbabec"),
    "data_batch_3": (31035999, "54ebc095f3ab1f0389bbae665268c751"),
    "data_batch_4": (31035696, "634d18415352ddfa80567beed471001a"),
    "data_batch_5": (31035623, "482c414d41f54cd18b22e5b47cb7c3cb"),
    "test_batch": (31035526, "40351d587109b95175f43aff81a1287e"),
    "batches.meta": (158, "5ff9c542aee3614f3951f8cda6e48888"),
}


@strategy
class CIFAR10(OfficialImages):
    """60,000 images of 10 classes."""

    training_images: ClassVar[int] = _TRAINING_IMAGES

    @property
    def classes(self) -> int:
        """Return 10."""
        return 10

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 3, 32, 32) uint8 and classes (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        files = self.files
        train = cifar_examples(files, [name for name in _FILES if name.startswith("data_batch")], "labels")
        test = cifar_examples(files, ["test_batch"], "labels")
        return train, test, tuple(unpickled(files, "batches.meta")["label_names"])

    def read(self, path: Path) -> Tensor:
        """Return the user's picture in RGB at 32x32, (1, 3, 32, 32) uint8."""
        return read_image(path, height=32, width=32)

    @property
    def files(self) -> OfficialFiles:
        """Return the files of the set."""
        return cifar_files(
            name="CIFAR-10", root=self.root, inside=_FOLDER, files=_FILES, url=_URL, archive_md5=_ARCHIVE_MD5
        )
