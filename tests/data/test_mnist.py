"""MNIST on four small files in its format, read by torchvision as well, and what happens without them."""

import gzip
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from PIL import Image
from pydantic import ValidationError
from tests.data.conftest import KNOBS, accept, digest, idx_contents, write_files

from temper.data.idx import LENGTHS, idx_array
from temper.data.mnist import MNIST


def digits(root: Path, /, **knobs: Any) -> MNIST:
    return MNIST(**{"root": str(root), "validation": 0, **KNOBS, **knobs})


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    made = idx_contents()
    accept(MNIST, made, monkeypatch)
    return made


@pytest.fixture
def root(tmp_path: Path, files: dict[str, bytes]) -> Path:
    write_files(tmp_path / "data" / "MNIST" / "raw", files)
    return tmp_path / "data"


def test_the_files_are_torchvisions() -> None:
    theirs = torchvision.datasets.MNIST
    assert dict(theirs.resources) == MNIST.zipped
    assert MNIST.url in theirs.mirrors
    assert {f"{name}.gz" for name in MNIST.unzipped} == set(MNIST.zipped)
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
    monkeypatch.setattr(MNIST, "zipped", {name: digest(content) for name, content in zipped.items()})
    monkeypatch.setattr(MNIST, "url", (tmp_path / "there").as_uri() + "/")
    data = digits(tmp_path / "new", download=True)
    data.prepare()
    assert len(data.splits().test) == 20
    assert [path.name for path in (tmp_path / "new" / "MNIST").iterdir()] == ["raw"]
    monkeypatch.setattr(MNIST, "zipped", dict.fromkeys(zipped, "0" * 32))
    with pytest.raises(ValueError, match="damaged"):
        digits(tmp_path / "other", download=True).prepare()
    assert not (tmp_path / "other").exists()


def test_a_damaged_archive_leaves_nothing(
    tmp_path: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    for name in MNIST.zipped:
        (tmp_path / "there" / name).write_bytes(b"no archive")
    monkeypatch.setattr(MNIST, "zipped", dict.fromkeys(MNIST.zipped, digest(b"no archive")))
    monkeypatch.setattr(MNIST, "url", (tmp_path / "there").as_uri() + "/")
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
