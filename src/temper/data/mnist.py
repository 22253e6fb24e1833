"""MNIST (LeCun, Bottou, Bengio & Haffner, 1998, "Gradient-Based Learning Applied to Document Recognition"): digits.

    x = 28x28 pixels of grey, 0 to 255    60,000 training and 10,000 test images
    y = the digit, 0 to 9                  5,421 to 6,742 training images of each

Read from the folder that torchvision, too, reads and writes: MNIST/raw, four files, unzipped. An easy
set, on which what a strategy adds is small: a first look at images, not a contest.
"""

from pathlib import Path
from typing import ClassVar

from torch import Tensor

from temper.data.idx import LENGTHS, SIDE, TRAINING_IMAGES, idx_examples, idx_files
from temper.data.official import OfficialFiles, OfficialImages
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy

_FOLDER = "MNIST/raw"
_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_ZIPPED = {  # file beneath the address: MD5
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_MD5S = {  # of each file, unzipped
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_FILES: dict[str, tuple[int | None, str]] = {name: (LENGTHS[name], md5) for name, md5 in _MD5S.items()}


@strategy
class MNIST(OfficialImages):
    """70,000 handwritten digits."""

    training_images: ClassVar[int] = TRAINING_IMAGES

    @property
    def classes(self) -> int:
        """Return 10, one a digit."""
        return 10

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 1, 28, 28) uint8 and digits (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        return idx_examples(self.files, "train"), idx_examples(self.files, "t10k"), tuple("0123456789")

    def read(self, path: Path) -> Tensor:
        """Return the user's picture, white ink on black, in grey at 28x28, (1, 1, 28, 28) uint8."""
        return read_image(path, height=SIDE, width=SIDE, grey=True)

    @property
    def files(self) -> OfficialFiles:
        """Return the files of the set."""
        return idx_files(name="MNIST", root=self.root, inside=_FOLDER, files=_FILES, url=_URL, zipped=_ZIPPED)
