"""MNIST on four small files in its format, read by torchvision as well, and what happens without them."""

import gzip
import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from pydantic import ValidationError

from temper.data import mnist
from temper.data.idx import LENGTHS, idx_array
from temper.data.mnist import MNIST

CLEAN = {"label_noise": None, "imbalance": None, "input_noise": None}
KNOBS = {"download": False, "cache": None, "drop_last": False, **CLEAN}


def digits(root: Path, /, **knobs: Any) -> MNIST:
    return MNIST(**{"root": str(root), "validation": 0, **KNOBS, **knobs})


def contents() -> dict[str, bytes]:
    draw = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 60), ("t10k", 20)):
        pixels = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = struct.pack(">4I", 0x803, count, 28, 28) + pixels.tobytes()
        files[f"{part}-labels-idx1-ubyte"] = struct.pack(">2I", 0x801, count) + bytes(i % 10 for i in range(count))
    return files


def digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    made = contents()
    monkeypatch.setattr(mnist, "_FILES", {name: (len(made[name]), digest(made[name])) for name in mnist._FILES})
    return made


@pytest.fixture
def root(tmp_path: Path, files: dict[str, bytes]) -> Path:
    folder = tmp_path / "data" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return tmp_path / "data"


def test_the_files_are_torchvisions() -> None:
    theirs = torchvision.datasets.MNIST
    assert dict(theirs.resources) == mnist._ZIPPED
    assert mnist._URL in theirs.mirrors
    assert {f"{name}.gz" for name in mnist._FILES} == set(mnist._ZIPPED)
    assert LENGTHS == {
        "train-images-idx3-ubyte": 47_040_016,
        "train-labels-idx1-ubyte": 60_008,
        "t10k-images-idx3-ubyte": 7_840_016,
        "t10k-labels-idx1-ubyte": 10_008,
    }


def test_images_are_those_that_torchvision_reads(root: Path) -> None:
    data = digits(root)
    data.prepare()
    splits = data.splits()
    for part, train in ((splits.train, True), (splits.test, False)):
        theirs = torchvision.datasets.MNIST(root, train=train)
        assert torch.equal(part.inputs[:, 0], theirs.data)
        assert torch.equal(part.targets, theirs.targets)
    assert splits.train.inputs.shape == (60, 1, 28, 28)
    assert splits.train.inputs.dtype == torch.uint8
    assert (data.classes, data.validates, splits.validation) == (10, False, None)
    assert splits.class_names == tuple("0123456789")


def test_validation_holds_each_digits_share(root: Path) -> None:
    data = digits(root, validation=20)
    splits = data.splits()
    assert splits.validation is not None
    assert data.validates
    assert splits.validation.targets.bincount().tolist() == [2] * 10
    assert len(splits.train) == 40


def test_is_fetched_when_absent(tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    zipped = {f"{name}.gz": gzip.compress(content) for name, content in files.items()}
    (tmp_path / "there").mkdir()
    for name, content in zipped.items():
        (tmp_path / "there" / name).write_bytes(content)
    monkeypatch.setattr(mnist, "_ZIPPED", {name: digest(content) for name, content in zipped.items()})
    monkeypatch.setattr(mnist, "_URL", (tmp_path / "there").as_uri() + "/")
    data = digits(tmp_path / "new", download=True)
    data.prepare()
    assert len(data.splits().test) == 20
    assert [path.name for path in (tmp_path / "new" / "MNIST").iterdir()] == ["raw"]
    monkeypatch.setattr(mnist, "_ZIPPED", dict.fromkeys(zipped, "0" * 32))
    with pytest.raises(ValueError, match="damaged"):
        digits(tmp_path / "other", download=True).prepare()
    assert not (tmp_path / "other").exists()


def test_a_damaged_archive_leaves_nothing(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    for name in mnist._ZIPPED:
        (tmp_path / "there" / name).write_bytes(b"no archive")
    monkeypatch.setattr(mnist, "_ZIPPED", dict.fromkeys(mnist._ZIPPED, digest(b"no archive")))
    monkeypatch.setattr(mnist, "_URL", (tmp_path / "there").as_uri() + "/")
    with pytest.raises(ValueError, match="cannot be stored"):
        digits(tmp_path / "new", download=True).prepare()
    assert not (tmp_path / "new").exists()


def test_a_truncated_or_altered_or_missing_file_is_named(root: Path) -> None:
    labels = root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    whole = labels.read_bytes()
    labels.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte has 27 bytes instead of 28.*data\.root=FOLDER"):
        digits(root).prepare()
    labels.write_bytes(whole[:-1] + b"\x07")
    digits(root).prepare()
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte is not the official file"):
        digits(root).splits()
    labels.unlink()
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte is missing"):
        digits(root).prepare()


def test_says_where_it_looked_when_it_may_not_fetch(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"MNIST is not at /.*/nowhere/MNIST/raw \(data\.download=false\).*unzipped"):
        digits(tmp_path / "nowhere").prepare()


@pytest.mark.parametrize("content", [b"", b"\0\0\x0d\x01\0\0\0\0", b"\0\0\x08\x01\0\0", b"\0\0\x08\x01\0\0\0\x02\x01"])
def test_other_bytes_are_no_idx_file(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"labels: (is no idx file|has . bytes)"):
        idx_array(content, "labels")


def test_reads_any_picture_in_grey(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), (90, 90, 90)).save(tmp_path / "three.png")
    image = digits(tmp_path).read(tmp_path / "three.png")
    assert (image.shape, image.dtype) == ((1, 1, 28, 28), torch.uint8)
    assert set(image.flatten().tolist()) == {90}


@pytest.mark.parametrize("bad", [{"root": ""}, {"validation": -1}, {"validation": 60000}, {"download": "no"}])
def test_refuses(bad: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        digits(tmp_path, **bad)
