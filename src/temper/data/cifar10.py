"""CIFAR-10 (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny Images"): small photographs.

    x = 32x32 pixels of red, green, blue, 0 to 255    50,000 training and 10,000 test images
    y = one of 10 classes                             5,000 and 1,000 images of each

Read from the folder that torchvision, too, reads and writes. Files are pickles: only bytes with the official checksum
are ever opened.
"""

from typing import ClassVar

from temper.data.official import Files
from temper.data.pickled import CIFARImages
from temper.strategy import strategy


@strategy
class CIFAR10(CIFARImages):
    """60,000 images of 10 classes."""

    title: ClassVar[str] = "CIFAR-10"
    inside: ClassVar[str] = "cifar-10-batches-py"
    url: ClassVar[str] = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    archive_md5: ClassVar[str] = "c58f30108f718f92721af3b95e74349a"
    train_files: ClassVar[Files] = {
        "data_batch_1": (31035704, "c99cafc152244af753f735de768cd75f"),
        "data_batch_2": (31035320, "d4bba439e000b95fd0a9bffe97cbabec"),
        "data_batch_3": (31035999, "54ebc095f3ab1f0389bbae665268c751"),
        "data_batch_4": (31035696, "634d18415352ddfa80567beed471001a"),
        "data_batch_5": (31035623, "482c414d41f54cd18b22e5b47cb7c3cb"),
    }
    test_files: ClassVar[Files] = {
        "test_batch": (31035526, "40351d587109b95175f43aff81a1287e"),
    }
    names_files: ClassVar[Files] = {
        "batches.meta": (158, "5ff9c542aee3614f3951f8cda6e48888"),
    }
    labels: ClassVar[str] = "labels"
    names: ClassVar[str] = "label_names"

    @property
    def classes(self) -> int:
        """Return 10."""
        return 10
