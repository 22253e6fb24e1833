"""Fashion-MNIST on four small files in its format, read by torchvision as well."""

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from pydantic import ValidationError

from temper.data import fashion_mnist
from temper.data.fashion_mnist import FashionMNIST

CLEAN = {"label_noise": None, "imbalance": None, "input_noise": None}
KNOBS = {"download": False, "cache": None, "drop_last": False, **CLEAN}


def clothes(root: Path, /, **knobs: Any) -> FashionMNIST:
    return FashionMNIST(**{"root": str(root), "validation": 0, **KNOBS, **knobs})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    draw = np.random.default_rng(0)
    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        images = struct.pack(">4I", 0x803, count, 28, 28) + pixels.tobytes()
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        labels = struct.pack(">2I", 0x801, count) + bytes(i % 10 for i in range(count))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    known = {}
    for path in folder.iterdir():
        content = path.read_bytes()
        known[path.name] = (len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())
    assert set(known) == set(fashion_mnist._FILES)
    monkeypatch.setattr(fashion_mnist, "_FILES", known)
    return tmp_path


def test_the_files_are_torchvisions() -> None:
    theirs = torchvision.datasets.FashionMNIST
    assert dict(theirs.resources) == fashion_mnist._ZIPPED
    assert fashion_mnist._URL in theirs.mirrors
    assert tuple(theirs.classes) == fashion_mnist._KINDS


def test_images_are_those_that_torchvision_reads(root: Path) -> None:
    data = clothes(root)
    data.prepare()
    splits = data.splits()
    for part, train in ((splits.train, True), (splits.test, False)):
        theirs = torchvision.datasets.FashionMNIST(root, train=train)
        assert torch.equal(part.inputs[:, 0], theirs.data)
        assert torch.equal(part.targets, theirs.targets)
    assert (data.classes, data.validates, splits.validation) == (10, False, None)
    assert splits.class_names[9] == "Ankle boot"


def test_validation_holds_each_kinds_share(root: Path) -> None:
    splits = clothes(root, validation=10).splits()
    assert splits.validation is not None
    assert splits.validation.targets.bincount().tolist() == [1] * 10


def test_says_where_it_looked_when_it_may_not_fetch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Fashion-MNIST is not at /.*/nowhere/FashionMNIST/raw \(data\.download=f"):
        clothes(tmp_path / "nowhere").prepare()


@pytest.mark.parametrize("bad", [{"root": ""}, {"validation": -1}, {"validation": 60000}, {"download": "no"}])
def test_refuses(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        clothes(tmp_path, **bad)
