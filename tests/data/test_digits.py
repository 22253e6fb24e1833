"""Digits against scikit-learn's own table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.datasets import load_digits
from tests.data.conftest import CLEAN

from temper.data.digits import Digits


def digits(**knobs: Any) -> Digits:
    return Digits(**{"validation": 0.2, "test": 0.2, "drop_last": False, **CLEAN, **knobs})


def test_every_digit_is_in_one_part() -> None:
    splits = digits().splits()
    assert splits.validation is not None
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [1079, 359, 359]
    inputs, targets = load_digits(return_X_y=True)
    ours = torch.cat([torch.cat((part.inputs, part.targets.float().unsqueeze(1)), 1) for part in parts])
    assert sorted(ours.tolist()) == sorted(np.column_stack((inputs, targets)).astype(np.float32).tolist())


def test_each_part_has_each_digits_share_and_the_same_ones_always() -> None:
    splits, again = digits().splits(), digits(drop_last=True).splits()
    assert splits.validation is not None
    counts = torch.stack([part.targets.bincount() for part in (splits.train, splits.validation, splits.test)])
    expected = counts.sum(0) * torch.tensor([[0.6], [0.2], [0.2]])
    assert ((counts - expected).abs() <= 1.5).all()
    assert torch.equal(splits.test.inputs, again.test.inputs)


def test_is_corrupted_when_asked() -> None:
    clean = digits().splits()
    corrupted = digits(label_noise=0.25, imbalance=10.0, input_noise=0.5).splits()
    # The digit 8 is the rarest, with 104 training examples of 1079; ten times fewer are left of the 9.
    counts = digits(imbalance=10.0).splits().train.targets.bincount()
    assert clean.train.targets.bincount().min() == 104
    assert (int(counts[0]), int(counts[9])) == (104, 10)
    assert len(corrupted.train) == counts.sum()
    assert str(corrupted.note).startswith("label_noise=0.25: ")
    assert corrupted.test.targets.equal(clean.test.targets)
    noise = corrupted.test.inputs - clean.test.inputs
    assert noise.std().item() == pytest.approx(0.5, rel=0.05)
    with pytest.raises(ValueError, match=r"data\.imbalance=105 leaves the last class none of its 104"):
        digits(imbalance=105.0).splits()


def test_reads_sixty_four_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.ones((1, 64), dtype=np.uint8))
    assert digits().read(tmp_path / "rows.npy").dtype == torch.float32
    np.save(tmp_path / "rows.npy", np.ones((1, 8, 8)))
    with pytest.raises(ValueError, match=r"rows\.npy: an array of shape \(1, 8, 8\), but \(rows, 64\)"):
        digits().read(tmp_path / "rows.npy")


@pytest.mark.parametrize(
    "bad",
    [
        {"validation": -0.1},
        {"test": 0.0002},
        {"validation": 0.9, "test": 0.1},
        {"label_noise": 1.1},
        {"label_noise": -0.1},
        {"imbalance": 1.0},
        {"input_noise": 0.0},
    ],
)
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        digits(**bad)
