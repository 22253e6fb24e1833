"""MNIST (LeCun, Bottou, Bengio & Haffner, 1998, "Gradient-Based Learning Applied to Document Recognition"): digits.

    x = 28x28 pixels of grey, 0 to 255    60,000 training and 10,000 test images
    y = the digit, 0 to 9                  5,421 to 6,742 training images of each

Read from the folder that torchvision, too, reads and writes: MNIST/raw, four files, unzipped. An easy
set, on which what a strategy adds is small: a first look at images, not a contest.
"""

from collections.abc import Mapping
from typing import ClassVar

from temper.data.idx import IdxImages
from temper.strategy import strategy


@strategy
class MNIST(IdxImages):
    """70,000 handwritten digits."""

    title: ClassVar[str] = "MNIST"
    inside: ClassVar[str] = "MNIST/raw"
    url: ClassVar[str] = "https://ossci-datasets.s3.amazonaws.com/mnist/"
    zipped: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    unzipped: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")
