"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017, arXiv:1708.07747): clothes in MNIST's format, and harder.

    x = 28x28 pixels of grey, 0 to 255    60,000 training and 10,000 test images
    y = one of 10 kinds of clothing        6,000 training and 1,000 test images of each

Read from the folder that torchvision, too, reads and writes: FashionMNIST/raw, four files, unzipped.
Harder than MNIST at the same cost, so that there is room for a strategy to show.
"""

from collections.abc import Mapping
from typing import ClassVar

from temper.data.idx import IdxImages
from temper.strategy import strategy


@strategy
class FashionMNIST(IdxImages):
    """70,000 pieces of clothing."""

    title: ClassVar[str] = "Fashion-MNIST"
    inside: ClassVar[str] = "FashionMNIST/raw"
    url: ClassVar[str] = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
    zipped: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    unzipped: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    class_names: ClassVar[tuple[str, ...]] = (
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
