"""CIFAR-100 on a small folder in its format, and its table of files against torchvision's."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from pydantic import ValidationError
from tests.data.conftest import KNOBS, accept_pickles, listed, write_files

from temper.data.cifar100 import CIFAR100


def cifar(root: Path, /, **knobs: Any) -> CIFAR100:
    return CIFAR100(**{"root": str(root), "validation": 0, **KNOBS, **knobs})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = np.random.default_rng(0)
    names = {"fine_label_names": [f"fine{k}" for k in range(100)], "coarse_label_names": ["x"] * 20}
    made = {"meta": pickle.dumps(names)}
    for name, count in (("train", 300), ("test", 100)):
        labels = {
            key: [i % classes for i in range(count)] for key, classes in (("fine_labels", 100), ("coarse_labels", 20))
        }
        made[name] = pickle.dumps({"data": draw.integers(0, 256, (count, 3072), dtype=np.uint8), **labels})
    accept_pickles(CIFAR100, made, monkeypatch)
    write_files(tmp_path / "cifar-100-python", made)
    return tmp_path


def test_the_files_are_torchvisions() -> None:
    theirs, data = torchvision.datasets.CIFAR100, cifar(Path())
    assert {name: md5 for name, (_, md5) in data.files.files.items()} == listed(theirs)
    assert (theirs.url, theirs.tgz_md5, theirs.base_folder) == (data.url, data.archive_md5, data.inside)


def test_images_and_fine_labels_are_those_of_the_files(root: Path) -> None:
    data = cifar(root)
    data.prepare()
    splits = data.splits()
    held = pickle.loads((root / "cifar-100-python" / "train").read_bytes())
    assert splits.train.inputs.shape == (300, 3, 32, 32)
    assert splits.train.inputs.dtype == torch.uint8
    assert splits.train.inputs[7].flatten().tolist() == held["data"][7].tolist()
    assert splits.train.targets.tolist() == held["fine_labels"]
    assert (data.classes, data.validates, splits.validation, len(splits.test)) == (100, False, None, 100)
    assert splits.class_names[3] == "fine3"


def test_validation_holds_as_many_of_each_class(root: Path) -> None:
    splits = cifar(root, validation=100).splits()
    assert splits.validation is not None
    assert splits.validation.targets.bincount().tolist() == [1] * 100
    assert splits.train.targets.bincount().tolist() == [2] * 100


def test_a_missing_or_altered_file_is_named(root: Path) -> None:
    train = root / "cifar-100-python" / "train"
    train.write_bytes(train.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"cifar-100-python/train is not the official file.*data\.root=FOLDER"):
        cifar(root).splits()
    train.unlink()
    with pytest.raises(ValueError, match=r"cifar-100-python/train is missing"):
        cifar(root).prepare()
    with pytest.raises(ValueError, match=r"CIFAR-100 is not at .*nowhere/cifar-100-python \(data\.download=false\)"):
        cifar(root / "nowhere").prepare()


def test_reads_any_picture(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 40), (10, 20, 30, 255)).save(tmp_path / "cat.png")
    image = cifar(tmp_path).read(tmp_path / "cat.png")
    assert image.shape == (1, 3, 32, 32)


@pytest.mark.parametrize("bad", [{"root": ""}, {"validation": -1}, {"validation": 50000}, {"download": "no"}])
def test_refuses(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        cifar(tmp_path, **bad)
