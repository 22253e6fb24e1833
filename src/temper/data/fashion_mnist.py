"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017, arXiv:1708.07747): clothes in MNIST's format, and harder.

    x = 28x28 pixels of grey, 0 to 255    60,000 training and 10,000 test images
    y = one of 10 kinds of clothing        6,000 training and 1,000 test images of each

Read from the folder that torchvision, too, reads and writes: FashionMNIST/raw, four files, unzipped.
Harder than MNIST at the same cost, so that there is room for a strategy to show.
"""

from pathlib import Path
from typing import ClassVar

from torch import Tensor

from temper.data.idx import LENGTHS, SIDE, TRAINING_IMAGES, idx_examples, idx_files
from temper.data.official import OfficialFiles, OfficialImages
from temper.data.reading import read_image
from temper.facts import Examples
from temper.strategy import strategy

_FOLDER = "FashionMNIST/raw"
_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_ZIPPED = {  # file beneath the address: MD5
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_MD5S = {  # of each file, unzipped
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
_FILES: dict[str, tuple[int | None, str]] = {name: (LENGTHS[name], md5) for name, md5 in _MD5S.items()}
_KINDS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@strategy
class FashionMNIST(OfficialImages):
    """70,000 pieces of clothing."""

    training_images: ClassVar[int] = TRAINING_IMAGES

    @property
    def classes(self) -> int:
        """Return 10."""
        return 10

    def parts(self) -> tuple[Examples, Examples, tuple[str, ...]]:
        """Return images (n, 1, 28, 28) uint8 and kinds (n,) int64.

        Raises:
            ValueError: a file is not the official one; names it.
        """
        return idx_examples(self.files, "train"), idx_examples(self.files, "t10k"), _KINDS

    def read(self, path: Path) -> Tensor:
        """Return the user's picture, bright on black, in grey at 28x28, (1, 1, 28, 28) uint8."""
        return read_image(path, height=SIDE, width=SIDE, grey=True)

    @property
    def files(self) -> OfficialFiles:
        """Return the files of the set."""
        return idx_files(name="Fashion-MNIST", root=self.root, inside=_FOLDER, files=_FILES, url=_URL, zipped=_ZIPPED)
