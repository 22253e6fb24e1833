"""CIFAR-100 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images"): few images of many classes.

    x = 32x32 pixels of red, green, blue, 0 to 255    50,000 training and 10,000 test images
    y = one of 100 classes, the fine labels           500 and 100 images of each

Read from the folder that torchvision, too, reads and writes. A tenth of CIFAR-10's images a class: where augmentation,
smoothed labels and a teacher have more to give.
"""

from typing import ClassVar

from temper.data.official import Files
from temper.data.pickled import CIFARImages
from temper.strategy import strategy


@strategy
class CIFAR100(CIFARImages):
    """60,000 images of 100 classes."""

    title: ClassVar[str] = "CIFAR-100"
    inside: ClassVar[str] = "cifar-100-python"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    archive_md5: ClassVar[str] = "eb9058c3a382ffc7106e4002c42a8d85"
    train_files: ClassVar[Files] = {
        "train": (None, "16019d7e3df5f24257cddd939b257f8d"),
    }
    test_files: ClassVar[Files] = {
        "test": (None, "f0ef6b0ae62326f3e7ffdfab6717acfc"),
    }
    names_files: ClassVar[Files] = {
        "meta": (None, "7973b15100ade9c7d40fb424638fde48"),
    }
    labels: ClassVar[str] = "fine_labels"
    names: ClassVar[str] = "fine_label_names"

    @property
    def classes(self) -> int:
        """Return 100."""
        return 100
