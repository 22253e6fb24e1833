"""Fashion-MNIST on four small files in its format, read by torchvision as well."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from pydantic import ValidationError
from tests.data.conftest import KNOBS, accept, idx_contents, write_files

from temper.data.fashion_mnist import FashionMNIST


def clothes(root: Path, /, **knobs: Any) -> FashionMNIST:
    return FashionMNIST(**{"root": str(root), "validation": 0, **KNOBS, **knobs})


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = idx_contents()
    accept(FashionMNIST, made, monkeypatch)
    write_files(tmp_path / "FashionMNIST" / "raw", made)
    return tmp_path


def test_the_files_are_torchvisions() -> None:
    theirs = torchvision.datasets.FashionMNIST
    assert dict(theirs.resources) == FashionMNIST.zipped
    assert FashionMNIST.url in theirs.mirrors
    assert tuple(theirs.classes) == FashionMNIST.class_names


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
