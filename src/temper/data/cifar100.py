"""CIFAR-100 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images"): few images of many classes.

    x = 32x32 pixels of red, green, blue, 0 to 255    50,000 training and 10,000 test images
    y = one of 100 classes, the fine labels           500 and 100 images of each

Read from the folder that torchvision, too, reads and writes. A tenth of CIFAR-10's images a class: where augmentation,
smoothed labels and a teacher have more to give.
"""

from pathlib import Path
from typing import ClassVar

from torch import Tensor

from temper.data.official import OfficialFiles, OfficialImages
from temper.data.pickled import cifar_examples, cifar_files, unpickled
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy

_FOLDER = "cifar-100-python"
_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_ARCHIVE_MD5 = "eb9058c3a382ffc7106e4002c42a8d85"
_TRAINING_IMAGES = 50_000
_FILES: dict[str, tuple[int | None, str]] = {  # name: MD5
    "train": (None, "16019d7e3df5f24257cddd939b257f8d"),
    "test": (None, "f0ef6b0ae62326f3e7ffdfab6717acfc"),
    "meta": (None, "7973b15100ade9c7d40fb424638fde48"),
}


@strategy
class CIFAR100(OfficialImages):
    """60,000 images of 100 classes."""

    training_images: ClassVar[int] = _TRAINING_IMAGES

    @property
    def classes(self) -> int:
        """Return 100."""
        return 100

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 3, 32, 32) uint8 and fine classes (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        files = self.files
        train = cifar_examples(files, ["train"], "fine_labels")
        test = cifar_examples(files, ["test"], "fine_labels")
        return train, test, tuple(unpickled(files, "meta")["fine_label_names"])

    def read(self, path: Path) -> Tensor:
        """Return the user's picture in RGB at 32x32, (1, 3, 32, 32) uint8."""
        return read_image(path, height=32, width=32)

    @property
    def files(self) -> OfficialFiles:
        """Return the files of the set."""
        return cifar_files(
            name="CIFAR-100", root=self.root, inside=_FOLDER, files=_FILES, url=_URL, archive_md5=_ARCHIVE_MD5
        )
